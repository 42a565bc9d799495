import FuzzTargets

/// libFuzzer's entry.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPeers(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    PeerTarget.run(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

import FuzzTargets

/// libFuzzer's entry.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzParsers(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    ParserTarget.run(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

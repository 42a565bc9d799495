import FuzzTargets

private let target: UnwrapTarget = {
    do { return try FuzzFiles.unwrapTarget() } catch {
        preconditionFailure("the golden vectors cannot be read: \(error)")
    }
}()

/// libFuzzer's entry.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzUnwrap(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do { try target.run(Array(UnsafeBufferPointer(start: start, count: count))) } catch {
        preconditionFailure("the input could not be made into a packet: \(error)")
    }
    return 0
}

// A mirror: the files that an authority publishes, served as they are. Any other web server can do the same.

internal import Foundation
internal import Synchronization
internal import WireFormat

/// Serves a directory of files named as in `DirectoryRoute`; `/` is `index.html`. Takes nothing.
public final class FileBackend: DirectoryBackend {
    /// Most bytes of a file; larger ones are not there.
    public static let largestFile = 64 << 20
    /// Bytes of files that are kept in memory.
    static let keptBytes = 128 << 20

    private struct Kept {
        let modified: Date
        let document: ServedDocument
    }

    private let directory: URL
    private let kept = Mutex<[DirectoryRoute: Kept]>([:])

    /// Serves the files below `directory` that are there when they are asked for.
    public init(directory: String) { self.directory = URL(fileURLWithPath: directory, isDirectory: true) }

    @concurrent public func served(_ route: DirectoryRoute) async throws -> ServedDocument? {
        let name = route.name.isEmpty ? "index.html" : route.name
        let url = directory.appendingPathComponent(name)
        let values = try? url.resourceValues(forKeys: [.isRegularFileKey, .fileSizeKey, .contentModificationDateKey])
        guard let values, values.isRegularFile == true, let size = values.fileSize, size <= Self.largestFile,
            let modified = values.contentModificationDate
        else { return nil }
        if let kept = kept.withLock({ $0[route] }), kept.modified == modified, kept.document.count == size {
            return kept.document
        }
        // It may be replaced just now, or grow.
        guard let data = try? Data(contentsOf: url), data.count <= Self.largestFile else { return nil }
        let bytes = Array(data)
        var tag: Digest?
        var lifetime = ServedDocument.Lifetime.brief
        if case .document(let digest) = route {
            tag = digest
            lifetime = .forever
        }
        let document = ServedDocument(bytes, Self.kind(name, bytes), tag: tag, lifetime: lifetime)
        keep(Kept(modified: modified, document: document), route)
        return document
    }

    public func receive(_ bytes: [UInt8], as kind: DirectoryUpload) async -> UploadVerdict {
        .refused("this is a mirror; post to an authority")
    }

    private func keep(_ new: Kept, _ route: DirectoryRoute) {
        kept.withLock { kept in
            kept[route] = new
            while kept.values.reduce(0, { $0 + $1.document.count + 256 }) > Self.keptBytes,
                let other = kept.keys.first(where: { $0 != route })
            {
                kept[other] = nil
            }
        }
    }

    /// By the name's end, else by the first byte: pages have names without one.
    private static func kind(_ name: String, _ bytes: [UInt8]) -> ServedDocument.Kind {
        switch name.split(separator: "/").last?.split(separator: ".").dropFirst().last {
        case "html": .html
        case "json": .json
        case "svg": .svg
        case "png": .png
        default:
            switch bytes.first {
            case UInt8(ascii: "<"): .html
            case UInt8(ascii: "{"), UInt8(ascii: "["): .json
            default: .document
            }
        }
    }
}

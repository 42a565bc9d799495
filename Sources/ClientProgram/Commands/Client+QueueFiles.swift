// `nightjar queue out` and `queue in`: packets leave by another machine than the one that made them.

internal import Daemon
internal import Directory
private import Glibc
internal import Mixing
internal import Spool
internal import WireFormat

extension Client {
    private struct OutReport: Encodable {
        var packets = 0
        var files: [String] = []
    }

    private struct InReport: Encodable {
        var packets = 0
        var queued = 0
        /// Past their deadline.
        var late = 0
        /// For nodes that the network does not have.
        var unusable = 0
    }

    /// Writes packets that wait to files and takes them out of the queue.
    /// - Parameters:
    ///   - target: a directory, which gets as many files as it takes, or the name of a new file.
    ///   - keeps: leaves the packets in the queue too.
    public func writeQueue(
        to target: String, _ selection: QueueSelection = QueueSelection(), keeps: Bool = false, network name: String?,
        json: Bool, statusDescriptor: Int32? = nil
    ) async throws {
        let status = try StatusLines(descriptor: statusDescriptor)
        let network = try network(name)
        var report = OutReport()
        if try hasQueue(network) {
            let queue = try await openQueue(network)
            defer { queue.close() }
            let chosen = try select(selection, of: queue.waiting, network)
            let isDirectory = DirectoryListing.isDirectory(target)
            if !isDirectory, !chosen.isEmpty {
                guard chosen.count <= PacketFile.maximumPackets else {
                    throw CommandFailure(
                        "\(chosen.count) packets wait and a file has room for \(PacketFile.maximumPackets); name a "
                            + "directory instead", code: .usage)
                }
                guard !ClientPlaces.isThere(target) else {
                    throw CommandFailure("\(target) is there already; name a new file or a directory", code: .usage)
                }
            }
            var generator = SystemRandomNumberGenerator()
            var rest = chosen.shuffled(using: &generator)[...]
            while !rest.isEmpty {
                let batch = Array(rest.prefix(PacketFile.maximumPackets))
                rest = rest.dropFirst(batch.count)
                let path = isDirectory ? "\(target)/\(Hex.encode(generator.bytes(8))).packets" : target
                let written = try write(batch, of: queue, network: network, to: path)
                report.packets += written
                report.files.append(path)
                status.write("QUEUE_OUT", written, path)
                if !keeps, !queue.remove(batch.map(\.id)) {
                    throw CommandFailure(
                        "the packets are in \(path), but could not be taken out of the queue; see if the disk is full")
                }
            }
        }
        if json { try terminal.print(JSONText.encode(report)) }
        note(
            report.packets == 0
                ? "no packets wait"
                : "\(Count.text(report.packets, "packet")) written to \(report.files.joined(separator: ", "))")
    }

    /// Puts packets out of files into the queue.
    public func readQueue(
        from files: [String], network name: String?, json: Bool, statusDescriptor: Int32? = nil
    ) async throws {
        let status = try StatusLines(descriptor: statusDescriptor)
        var report = InReport()
        for path in files {
            let file = try Self.packetFile(path)
            if let name, name != file.network {
                throw CommandFailure(
                    "\(path) holds packets of the network \(Printable.text(file.network)), not of \(name)", code: .usage
                )
            }
            let network = try network(file.network)
            let sorted = file.sort(now: time.clock.now(), longest: network.parameters.retryDeadline) {
                network.node($0) != nil
            }
            try await enqueue(sorted.good, network: network)
            report.packets += file.packets.count
            report.queued += sorted.good.count
            report.late += sorted.late
            report.unusable += sorted.foreign
            status.write("QUEUE_IN", sorted.good.count, path)
        }
        if json { try terminal.print(JSONText.encode(report)) }
        if report.late > 0 {
            terminal.message("\(Count.text(report.late, "packet")) came past their deadline; send those mails again")
        }
        if report.unusable > 0 {
            terminal.message(
                "\(Count.text(report.unusable, "packet")) are for nodes that the network file does not list; get a newer one"
            )
        }
        if report.queued > 0 {
            note("\(Count.text(report.queued, "packet")) queued; run: nightjar queue flush")
        } else if report.packets > 0 {
            throw CommandFailure("none of the packets can be handed over", code: .refused)
        } else {
            note("there are no packets in the files")
        }
    }

    private func write(
        _ packets: [WaitingPacket], of queue: OutgoingQueue, network: Network, to path: String
    ) throws -> Int {
        var bodies: [OutgoingPacket] = []
        for packet in packets {
            guard let body = try? queue.spool.readPacket(packet.id) else { continue }
            bodies.append(
                OutgoingPacket(
                    body: body, first: packet.destination, made: packet.release, deadline: packet.deadline))
        }
        guard !bodies.isEmpty else { throw CommandFailure("the packets that wait are damaged on disk") }
        if bodies.count < packets.count {
            terminal.message(
                "\(Count.text(packets.count - bodies.count, "packet")) were damaged on disk and are lost; send those mails again"
            )
        }
        try AtomicFile.write(PacketFile(network: network.name, packets: bodies).encoded, to: path)
        return bodies.count
    }

    /// Puts packets into the network's queue, or leaves them to `nightjar run`.
    private func enqueue(_ packets: [OutgoingPacket], network: Network) async throws {
        guard !packets.isEmpty else { return }
        if RunLock.isHeld(places, network: network.name) {
            let store = try records()
            defer { store.close() }
            return try PendingReplies(store).add(packets, network: network.name)
        }
        let queue = try await openQueue(network)
        defer { queue.close() }
        guard packets.count <= queue.room else {
            throw SendError.queueFull(
                waiting: queue.spool.statistics.packets, limit: config.queueLimit, wanted: packets.count)
        }
        var stored: [WaitingPacket] = []
        do {
            for start in stride(from: 0, to: packets.count, by: OutgoingQueue.batch) {
                stored += try queue.store(Array(packets[start..<min(start + OutgoingQueue.batch, packets.count)]))
            }
        } catch {
            queue.remove(stored.map(\.id))
            throw error
        }
    }

    private static func packetFile(_ path: String) throws -> PacketFile {
        let bytes = try AtomicFile.read(path, limit: PacketFile.sizeLimit)
        do throws(PacketFileError) {
            return try PacketFile(decoding: bytes)
        } catch {
            switch error {
            case .malformed: throw CommandFailure("\(path) is not a whole file of packets")
            case .damaged: throw CommandFailure("\(path) is damaged; copy it again")
            case .tooMany: throw CommandFailure("\(path) has more than \(PacketFile.maximumPackets) packets")
            }
        }
    }
}

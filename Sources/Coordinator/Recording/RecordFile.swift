import Cluster
import Foundation

/// A record's file: a header, then a line of JSON for each event. Of what is told again and again only the difference is
/// written: the own host's description, and the ladder's terms.
final class RecordFile {
    /// What hinders it, for people.
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    private let path: String
    private let limit: Int
    private var descriptor: Int32
    private var size = 0
    private var own: NodeDescription?
    private var terms: RoutingTerms?
    private let encoder = JSONEncoder()

    /// What was there of the same name becomes `path.1`: the record of an incident outlives the restart that ends it.
    init(_ path: String, limit: Int) throws(Fault) {
        self.path = path
        self.limit = limit
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        descriptor = try Self.open(path)
        try begin()
    }

    deinit { close(descriptor) }

    private static func open(_ path: String) throws(Fault) -> Int32 {
        if rename(path, path + ".1") != 0, errno != ENOENT { throw fault() }
        let descriptor = Foundation.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if descriptor < 0 { throw fault() }
        return descriptor
    }

    private static func fault() -> Fault { Fault(description: String(cString: strerror(errno))) }

    private func begin() throws(Fault) {
        (size, own, terms) = (0, nil, nil)
        try write(try line(RecordHeader(time: WallClock.now)))
    }

    func append(_ events: [RecordedEvent]) throws(Fault) {
        var text = Data()
        for event in events {
            switch event.what {
            case .own(let description):
                // A change says nothing of what a whole description alone can say.
                let change = own.flatMap { description.change(since: $0) }
                own = description
                text += try line(RecordedEvent(change.map { .ownChange($0) } ?? event.what, at: event.at))
            case .choice(let question, let asked, let choice, let isSent):
                if let asked, asked != terms {
                    terms = asked
                    text += try line(RecordedEvent(.terms(asked), at: event.at))
                }
                text += try line(RecordedEvent(.choice(question, nil, choice, isSent: isSent), at: event.at))
            case .missing:
                (own, terms) = (nil, nil)
                text += try line(event)
            default: text += try line(event)
            }
        }
        try write(text)
    }

    /// Begins a new file where this one is full.
    ///
    /// - Returns: whether it did.
    func turnOver() throws(Fault) -> Bool {
        guard size >= limit else { return false }
        let next = try Self.open(path)
        close(descriptor)
        descriptor = next
        try begin()
        return true
    }

    private func line(_ value: some Encodable) throws(Fault) -> Data {
        do {
            return try encoder.encode(value) + Data("\n".utf8)
        } catch {
            throw Fault(description: "\(error)")
        }
    }

    private func write(_ text: Data) throws(Fault) {
        var rest = text[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw Self.fault() }
            rest = rest.dropFirst(count)
        }
        size += text.count
    }
}

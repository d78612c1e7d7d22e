/// Over which interface and protocol multicast DNS said something.
package struct Link: Hashable, Sendable {
    /// The system's index; 0 where it is not said.
    package var interface: Int
    /// 4, 6, or 0 where it is not said.
    package var version: Int

    package init(interface: Int, version: Int = 0) {
        self.interface = interface
        self.version = version
    }
}

/// A question that stays open: its answers come and go as the network changes.
package struct RecordQuery: Hashable, Sendable {
    /// Fully qualified, escaped, without a trailing dot.
    package var name: String
    package var kind: RecordData.Kind

    package init(_ name: String, _ kind: RecordData.Kind) {
        self.name = name
        self.kind = kind
    }
}

/// What is known of one record: the newest last, each with the link that said it.
struct Answers<Value: Equatable & Sendable>: Sendable {
    private(set) var all: [(link: Link, value: Value)] = []

    /// Some host may send any number; the oldest make way.
    static var most: Int { 64 }

    mutating func update(_ value: Value, isPresent: Bool, on link: Link) {
        all.removeAll { $0.link == link && $0.value == value }
        guard isPresent else { return }
        if all.count >= Self.most { all.removeFirst() }
        all.append((link, value))
    }

    /// What each link said last: a changed record arrives before its predecessor goes.
    var newest: [(link: Link, value: Value)] {
        var seen: Set<Link> = []
        return all.reversed().filter { seen.insert($0.link).inserted }.reversed()
    }
}

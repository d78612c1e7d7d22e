/// One word of a host, as an object: whatever refers to it costs one reference, and not a copy of all that it says.
final class KnownHost: Sendable, Equatable, Codable {
    let host: Host

    init(_ host: Host) { self.host = host }

    static func == (left: KnownHost, right: KnownHost) -> Bool { left === right || left.host == right.host }
}

import Cluster
import Synchronization
import Wire

/// Header fields between hosts, and to clients of a cluster.
enum HopFields {
    /// On a request that another node's router has placed: it is served here or refused, never placed again.
    static let hop = "x-llmstack-hop"
    /// The request's name on its way: where it waits in another node's queue, that node's events tell of it by this.
    static let request = "x-llmstack-request"
    /// Who the client is whose request another node has placed: a key's characters, or that node's id.
    private static let client = "x-llmstack-client"
    /// Characters.
    static let idLimit = 40

    private static let prefix = "x-llmstack-"
    private static let node = "x-llmstack-node"
    private static let tier = "x-llmstack-tier"
    private static let reason = "x-llmstack-reason"

    private static let start = UInt64.random(in: .min ... .max)
    private static let count = Atomic<UInt64>(0)

    /// Unlike any other of this process, and very likely of any.
    static func newID() -> String {
        var rest = start &+ count.add(1, ordering: .relaxed).newValue &* 0x9E37_79B9_7F4A_7C15
        // Fifteen digits: a string of so many bytes needs no memory of its own.
        return String(unsafeUninitializedCapacity: 15) { digits in
            for index in 0..<15 {
                let digit = UInt8(truncatingIfNeeded: rest >> 60)
                digits.initializeElement(at: index, to: digit < 10 ? 0x30 + digit : 0x57 + digit)
                rest <<= 4
            }
            return 15
        }
    }

    /// Credentials are for the router that they were sent to: what goes on to another host, or comes from one, has none.
    /// The host's own requests reach its llama-swap as they came.
    static func strip(_ fields: inout Fields, isOwn: Bool) {
        guard !isOwn else { return }
        for name in credentials { fields.remove(name) }
    }

    private static let credentials = ["authorization", "cookie", "origin", "x-api-key"]

    static func mark(_ fields: inout Fields, id: String, client name: String) {
        fields.replace(hop, with: "1")
        fields.replace(request, with: id)
        if name.isEmpty { fields.remove(client) } else { fields.replace(client, with: name) }
    }

    /// What only another node's router may say.
    static func stripHop(_ fields: inout Fields) {
        fields.remove(hop)
        fields.remove(client)
    }

    /// Whose request it is: of another node's, as that node says; empty on this host.
    static func client(_ fields: Fields, _ visitor: Visit.Visitor?) -> String {
        guard let visitor else { return "" }
        guard visitor.isNode, let named = fields[client], Advertisement.isIdentifier(named) else { return visitor.id }
        return named
    }

    /// What an upstream says to browsers says nothing of this router.
    static func stripReply(_ fields: inout Fields) {
        fields.remove("set-cookie")
        fields.removeAll(beginningWith: "access-control-")
    }

    static func tell(_ fields: inout Fields, node name: String?, tier name2: String, reason text: String) {
        // In place of what another router or an upstream has said, which is rare.
        if fields.hasAny(beginningWith: prefix) { for name in [node, tier, reason] { fields.remove(name) } }
        if let name { fields.add(node, visible(name)) }
        fields.add(tier, visible(name2))
        fields.add(reason, visible(text))
    }

    /// A field's value may have visible ASCII, spaces and nothing else (RFC 9110, section 5.5); names and reasons come from
    /// other hosts.
    private static func visible(_ text: String) -> String {
        let isVisible =
            text.utf8.withContiguousStorageIfAvailable { bytes in
                var isVisible = bytes.count <= limit
                for byte in bytes where byte < 0x20 || byte >= 0x7F { isVisible = false }
                return isVisible
            } ?? false
        if isVisible { return text }
        return String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix(limit).map { $0.isASCII && $0.value >= 0x20 && $0.value < 0x7F ? $0 : "?" }))
    }

    /// Characters of a reason: a cluster of many hosts may have many.
    private static let limit = 1024
}

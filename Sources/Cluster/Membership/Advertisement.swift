/// What a node says of itself by DNS-SD: a hint for people and for the first choice. Nothing in it is trusted; the
/// node's own ``NodeDescription`` is what counts.
package struct Advertisement: Equatable, Sendable, Codable {
    /// The DNS-SD type of the cluster listener.
    package static let serviceType = "_llmstack._tcp"
    /// The version of the protocol between nodes; another one before the dot means another protocol.
    package static let protocolVersion = 1
    /// Bytes that all entries may have together, the length byte before each included.
    package static let sizeLimit = 255

    package var cluster: ClusterID
    package var clusterName: String
    package var node: NodeID
    /// Counts the changes of what is advertised since the node started.
    package var generation: Int
    /// The shared tiers, in the order of models.ini.
    package var tiers: [String]
    /// Whether it is to be asked by TLS, with a certificate or key to show.
    package var security: ClusterIdentity.Security

    package init(
        cluster: ClusterID, clusterName: String, node: NodeID, generation: Int, tiers: [String],
        security: ClusterIdentity.Security = .open
    ) {
        self.cluster = cluster
        self.clusterName = clusterName
        self.node = node
        self.generation = generation
        self.tiers = tiers
        self.security = security
    }

    // MARK: Writing

    /// `key=value` entries of at most ``sizeLimit`` bytes. What does not fit of the tiers is counted: `plan,+3`; so is a
    /// tier with a name that a list cannot hold, such as one with a comma.
    package var txt: [String] {
        let fixed =
            [
                "v=\(Self.protocolVersion)", "cid=\(cluster)", "id=\(node)", "name=\(clusterName)",
                "gen=\(generation)",
            ] + (security == .open ? [] : ["sec=\(security.rawValue)"])
        let room = Self.sizeLimit - fixed.reduce(0) { $0 + $1.utf8.count + 1 } - 1
        let names = tiers.filter(ClusterIdentity.isName)
        for shown in stride(from: names.count, through: 0, by: -1) {
            let left = tiers.count - shown
            let entry = "tiers=" + (names.prefix(shown) + (left > 0 ? ["+\(left)"] : [])).joined(separator: ",")
            if entry.utf8.count <= room { return fixed + [entry] }
        }
        return fixed
    }

    /// One DNS-SD subtype a tier, so that who looks for a tier finds its nodes. A label has at most 63 bytes (RFC 6763,
    /// section 7.1), the underscore included; a tier with a longer name or with a dot has none.
    package var subtypes: [String] {
        tiers.filter { $0.utf8.count <= 62 && ClusterIdentity.isName($0) && !$0.contains(".") }.map { "_\($0)" }
    }

    // MARK: Reading

    /// What a TXT record turned out to be.
    package enum Reading: Equatable, Sendable {
        case known(Advertisement)
        /// A node of a newer kind, which is shown and never used.
        case incompatible(version: String, node: NodeID, clusterName: String)
        /// No record of ours.
        case malformed
    }

    /// Reads a record. Unknown entries are ignored; the case of a key means nothing, and of an entry that comes twice the
    /// first counts (RFC 6763, section 6.4).
    package static func read(_ txt: [String]) -> Reading {
        var values: [String: Substring] = [:]
        for entry in txt {
            guard let equals = entry.firstIndex(of: "=") else { continue }
            let key = entry[..<equals].lowercased()
            if values[key] == nil { values[key] = entry[entry.index(after: equals)...] }
        }
        guard let version = values["v"], let node = values["id"], isIdentifier(node) else { return .malformed }
        let clusterName = values["name"].map(String.init) ?? ""
        guard clusterName.isEmpty || ClusterIdentity.isName(clusterName) else { return .malformed }
        guard version.prefix(while: { $0 != "." }) == "\(protocolVersion)" else {
            let isNumber =
                (1...8).contains(version.utf8.count) && version.first != "."
                && version.allSatisfy { $0.isASCII && ($0.isNumber || $0 == ".") }
            return isNumber
                ? .incompatible(version: String(version), node: NodeID(String(node)), clusterName: clusterName)
                : .malformed
        }
        guard let cluster = values["cid"], isIdentifier(cluster) else { return .malformed }
        let tiers = (values["tiers"] ?? "").split(separator: ",").filter {
            $0.first != "+" && ClusterIdentity.isName(String($0))
        }
        return .known(
            Advertisement(
                cluster: ClusterID(String(cluster)), clusterName: clusterName, node: NodeID(String(node)),
                generation: values["gen"].flatMap { Int($0) } ?? 0, tiers: tiers.map(String.init),
                security: values["sec"] == "keys" ? .keys : .open))
    }

    /// Whether it has 8 to 64 letters, digits and hyphens: what names a node or a cluster for good.
    package static func isIdentifier(_ text: some StringProtocol) -> Bool {
        (8...64).contains(text.utf8.count)
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    }
}

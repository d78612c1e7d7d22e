/// Names a cluster for as long as it exists, whatever people call it: 16 characters of base32.
package struct ClusterID: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }

    package init(_ text: String) { rawValue = text }

    package var description: String { rawValue }
}

/// The cluster that a host belongs to.
package struct ClusterIdentity: Equatable, Sendable, Codable {
    /// Who is let in.
    package enum Security: String, Equatable, Sendable, Codable {
        /// Everybody who reaches the listener: for a network that one trusts wholly.
        case open
        /// Nodes by certificate, thin clients by key.
        case keys
    }

    package var id: ClusterID
    /// What people call it.
    package var name: String
    package var security: Security

    package init(id: ClusterID, name: String, security: Security) {
        self.id = id
        self.name = name
        self.security = security
    }

    /// Characters that a cluster's or a node's name may have: it stands in TXT records, lists and command lines.
    ///
    /// - Returns: whether `name` has 1 to 40 of letters, digits, `-`, `_` and `.`, and begins with a letter or digit.
    package static func isName(_ name: String) -> Bool {
        guard (1...40).contains(name.utf8.count), let first = name.first, first.isASCII,
            first.isLetter || first.isNumber
        else { return false }
        return name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
    }
}

package import Cluster

/// What a host keeps of who is let in, from the router's side. Whoever implements it has the files; calls may wait for
/// them, so they are not for event loops.
package protocol AccessDesk: Sendable {
    /// As it is on disk now.
    func current() throws -> AccessSet

    /// Takes what another node knows, and keeps it.
    ///
    /// - Returns: the set as it is then, and whether that is news here.
    func merge(_ other: AccessSet) async throws -> (set: AccessSet, isNews: Bool)

    /// Lets somebody in who has a token.
    ///
    /// - Throws: ``AccessRefusal``.
    func join(_ request: JoinRequest, secret: String) async throws -> JoinReply

    /// A new certificate for a node that has one, or had until lately.
    ///
    /// - Throws: ``AccessRefusal``.
    func renew(_ request: RenewRequest) async throws -> RenewReply
}

/// Why somebody is not let in.
package struct AccessRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: String, Equatable, Sendable {
        /// This host holds no authority: another one must be asked.
        case notIssuer = "not_issuer"
        case unknownToken = "unknown_token"
        case usedToken = "used_token"
        case expiredToken = "expired_token"
        case revoked
        /// The request itself is at fault.
        case invalid = "invalid_request"
        /// What this host needs for it cannot be read or written.
        case failed = "internal_error"
    }

    package let kind: Kind
    /// One sentence, for people.
    package let description: String

    package init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    package var status: Int {
        switch kind {
        case .notIssuer: 409
        case .unknownToken, .usedToken, .expiredToken, .revoked: 401
        case .invalid: 400
        case .failed: 500
        }
    }
}

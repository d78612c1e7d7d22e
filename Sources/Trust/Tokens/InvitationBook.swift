package import Cluster
package import Foundation

/// What one token allows, once.
package struct Invitation: Equatable, Sendable, Codable {
    /// Of the token's secret.
    package let hash: SecretDigest
    package let kind: AccessEntry.Kind
    /// The name that the newcomer is to have, where the inviter said.
    package let name: String?
    /// Of a client's key.
    package let limits: KeyLimits
    package let expires: Date
    package fileprivate(set) var redeemed: Date?
}

/// The invitations of an issuer: open ones, and those of the last day, so that it can tell why a token is refused.
package struct InvitationBook: Equatable, Sendable, Codable {
    package private(set) var invitations: [Invitation] = []

    /// Seconds in which a token can be used.
    package static let lifetime: TimeInterval = 15 * 60
    /// Seconds for which it is remembered after that.
    package static let memory: TimeInterval = 86400

    package enum Refusal: Error, Equatable, CustomStringConvertible {
        case unknown
        case expired
        case used

        package var description: String {
            switch self {
            case .unknown: "this cluster knows no such token\n  fix: \(Self.fix)"
            case .expired: "the token has run out; it is good for 15 minutes\n  fix: \(Self.fix)"
            case .used: "the token was used already; it is good for one host\n  fix: \(Self.fix)"
            }
        }

        private static let fix = "llmstack cluster invite, on a host of the cluster, prints a new one"
    }

    package init() {}

    /// Takes down what a token allows, and forgets old ones.
    ///
    /// - Parameter hash: ``JoinToken/secretHash``.
    @discardableResult
    package mutating func invite(
        _ kind: AccessEntry.Kind, name: String?, limits: KeyLimits = .standard, hash: SecretDigest, now: Date
    ) -> Invitation {
        prune(now)
        let invitation = Invitation(
            hash: hash, kind: kind, name: name, limits: limits, expires: now.wholeSeconds + Self.lifetime, redeemed: nil
        )
        invitations.append(invitation)
        return invitation
    }

    /// Uses a token up.
    ///
    /// All invitations are compared, each in constant time: how long that takes says nothing of the secrets.
    package mutating func redeem(_ secret: String, now: Date) -> Result<Invitation, Refusal> {
        prune(now)
        var found: Int?
        for (index, invitation) in invitations.enumerated() where invitation.hash.matches(secret) { found = index }
        guard let found else { return .failure(.unknown) }
        guard invitations[found].redeemed == nil else { return .failure(.used) }
        guard now < invitations[found].expires else { return .failure(.expired) }
        invitations[found].redeemed = now.wholeSeconds
        return .success(invitations[found])
    }

    /// Forgets those that ran out a day ago.
    package mutating func prune(_ now: Date) { invitations.removeAll { $0.expires + Self.memory < now } }
}

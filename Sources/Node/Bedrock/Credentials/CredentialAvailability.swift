/// Whether a profile's credentials can be used, as far as is known.
package enum CredentialAvailability: Equatable, Sendable {
    case usable
    /// With the reason, and what mends it, for people: ``CredentialFailure/advice``.
    case unusable(reason: String)
    /// Nobody has looked yet.
    case unknown
}

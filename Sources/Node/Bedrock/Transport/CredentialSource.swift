/// Where credentials come from, and what AWS's files and variables say: ``CredentialStore``, or a test.
package protocol CredentialSource: Sendable {
    /// - Parameters:
    ///   - profile: nil for the default chain.
    ///   - region: the tier's.
    func credentials(profile: String?, region: String?) async throws(CredentialFailure) -> AWSCredentials

    /// What is known of them at this moment: never waits.
    func availability(profile: String?, region: String?) -> CredentialAvailability

    /// AWS takes these no more.
    func invalidate(profile: String?, used: AWSCredentials?) async

    /// The region that the profile names.
    func region(profile: String?) throws(CredentialFailure) -> String?

    /// - Returns: nil without a region.
    func endpoint(
        _ service: AWSEndpoint.Service, profile: String?, region: String?
    ) throws(CredentialFailure) -> AWSEndpoint?
}

extension CredentialStore: CredentialSource {}

/// Where credentials come from: ``CredentialStore``, or a test.
package protocol CredentialSource: Sendable {
    /// - Parameter profile: nil for the default chain.
    func credentials(profile: String?) async throws(CredentialFailure) -> AWSCredentials

    /// The region that the profile's section of the AWS files names.
    func region(profile: String?) async -> String?
}

/// TEMPORARY
package actor CredentialStore: CredentialSource {
    let environment: [String: String]
    package init(environment: [String: String]) { self.environment = environment }
    package func credentials(profile: String?) async throws(CredentialFailure) -> AWSCredentials {
        guard profile == nil, let a = environment["AWS_ACCESS_KEY_ID"], let b = environment["AWS_SECRET_ACCESS_KEY"] else {
            throw CredentialFailure(profile == nil ? .none : .noProfile, profile: profile, reason: "none", fix: "aws configure")
        }
        return AWSCredentials(accessKey: a, secretKey: b)
    }
    package func region(profile: String?) async -> String? { nil }
}

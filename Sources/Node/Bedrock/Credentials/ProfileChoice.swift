/// Which profile a tier's credentials, region and endpoints come from.
package struct ProfileChoice: Equatable, Sendable {
    package var name: String
    /// Named by the tier: then the environment's own keys do not count. One that AWS_PROFILE names comes after them.
    package var isExplicit: Bool
    /// Whether the profile has to be there: named by whomever.
    var isNamed: Bool

    /// - Parameter profile: the tier's; nil leaves it to AWS_DEFAULT_PROFILE, AWS_PROFILE and at last `default`.
    package init(_ profile: String?, variables: [String: String]) {
        let profile = profile.flatMap { $0.isEmpty ? nil : $0 }
        // In the order in which AWS's Python library looks at them.
        let fromEnvironment = ["AWS_DEFAULT_PROFILE", "AWS_PROFILE"].lazy.compactMap { variables[$0] }
            .first { !$0.isEmpty }
        name = profile ?? fromEnvironment ?? "default"
        isExplicit = profile != nil
        isNamed = profile != nil || fromEnvironment != nil
    }

    /// What the profile says; empty for a `default` that nobody named and that is not there.
    ///
    /// - Throws: ``CredentialFailure`` where it is named and in neither file.
    package func section(of config: AWSConfig) throws(CredentialFailure) -> AWSConfig.Section {
        if let section = config.profiles[name] { return section }
        guard isNamed else { return AWSConfig.Section() }
        throw CredentialFailure(
            .noProfile, profile: name, reason: "there is no such profile in the AWS files on this host",
            fix: "aws configure --profile \(name) (or aws configure sso --profile \(name)), or name another profile")
    }
}

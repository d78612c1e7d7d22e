import Foundation

/// Looks for a profile's credentials where the AWS CLI looks, in its order; the first place that has some is the one.
///
/// 1. the environment, unless the profile was named by the tier
/// 2. a role to assume (`role_arn`)
/// 3. web identity
/// 4. IAM Identity Center (SSO)
/// 5. the credentials file
/// 6. `aws login`
/// 7. `credential_process`
/// 8. the config file's keys
/// 9. the container's service
/// 10. the instance's metadata service
///
/// (https://docs.aws.amazon.com/boto3/latest/guide/credentials.html; files of boto 2 and of the first EC2 tools, which
/// AWS's Python library still reads, are not looked at.) A place that is configured and fails ends the search.
struct CredentialChain: Sendable {
    let surroundings: AWSSurroundings
    let config: AWSConfig
    let choice: ProfileChoice
    /// Of the profile that was chosen.
    let section: AWSConfig.Section
    /// For STS; nil: the one without a region.
    let region: String?
    /// What was looked at, in words.
    var tried: [String] = []
    /// Further files that the outcome hangs on, each as it was before it was read.
    var files: [String: AWSSurroundings.FileStamp?] = [:]

    init(_ surroundings: AWSSurroundings, profile: String?, region: String?) throws(CredentialFailure) {
        self.surroundings = surroundings
        config = try AWSConfig.read(surroundings, profile: profile)
        choice = ProfileChoice(profile, variables: surroundings.variables)
        section = try choice.section(of: config)
        self.region =
            region ?? surroundings.variable("AWS_REGION") ?? surroundings.variable("AWS_DEFAULT_REGION")
            ?? section["region"]
        try Self.check(self.region, profile: profile)
    }

    /// - Throws: ``CredentialFailure`` for a region that is none.
    static func check(_ region: String?, profile: String?) throws(CredentialFailure) {
        guard let region, !AWSEndpoint.isRegion(region) else { return }
        throw CredentialFailure(
            .misconfigured, profile: profile, reason: "\"\(ForeignWords.firstLine(region))\" is no region",
            fix: "mend aws_region in models.ini, AWS_REGION, or the profile's region: eu-central-1 is one")
    }

    /// How a failure of the chosen profile calls a profile.
    func called(_ name: String) -> String {
        name == choice.name && choice.isNamed ? "it" : "profile \"\(name)\""
    }

    mutating func resolve() async throws(CredentialFailure) -> AWSCredentials {
        // 1
        if !choice.isExplicit, let found = try environmentKeys() { return found }
        // 2
        if let found = try await role(of: choice.name, visited: [choice.name]) { return found }
        // 3 to 8
        if let found = try await sources(of: choice.name, usesEnvironment: !choice.isExplicit) { return found }
        // 9
        if let found = try await container() { return found }
        // 10
        if let found = try await instance() { return found }
        let name = shownProfile
        throw failure(
            .none, "nothing that gives credentials is configured",
            fix: name.map { "aws configure --profile \($0), or aws configure sso --profile \($0)" }
                ?? "aws configure, or name a profile: aws_profile in models.ini, or AWS_PROFILE")
    }

    /// Places 3 to 8: what a profile has by itself, which is also what a role may be assumed with.
    mutating func sources(
        of name: String, usesEnvironment: Bool
    ) async throws(CredentialFailure) -> AWSCredentials? {
        if let found = try await webIdentity(name, usesEnvironment: usesEnvironment) { return found }
        if let found = try await identityCenter(name) { return found }
        if let found = try keys(config.credentialProfiles[name], in: surroundings.credentialsPath) { return found }
        if let found = try await login(name) { return found }
        if let found = try await process(name) { return found }
        return try keys(config.configProfiles[name], in: surroundings.configPath)
    }

    mutating func environmentKeys() throws(CredentialFailure) -> AWSCredentials? {
        tried.append("environment")
        guard let accessKey = surroundings.variable("AWS_ACCESS_KEY_ID") else { return nil }
        guard let secretKey = surroundings.variable("AWS_SECRET_ACCESS_KEY") else {
            throw failure(
                .misconfigured, "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not",
                fix: "set both or none of them where the daemons are started")
        }
        let expiration = surroundings.variable("AWS_CREDENTIAL_EXPIRATION").flatMap(AWSTimestamp.parse)
        if let expiration, expiration <= surroundings.now() {
            throw failure(
                .loginNeeded, "the environment's keys have expired (AWS_CREDENTIAL_EXPIRATION)",
                fix: "renew them, then llmstack restart")
        }
        return AWSCredentials(
            accessKey: accessKey, secretKey: secretKey,
            sessionToken: surroundings.variable("AWS_SECURITY_TOKEN") ?? surroundings.variable("AWS_SESSION_TOKEN"),
            expiration: expiration)
    }

    private mutating func keys(_ section: AWSConfig.Section?, in path: String) throws(CredentialFailure)
        -> AWSCredentials?
    {
        tried.append(path)
        guard let accessKey = section?["aws_access_key_id"] else { return nil }
        let secretKey = section?["aws_secret_access_key"] ?? ""
        guard !accessKey.isEmpty, !secretKey.isEmpty else {
            throw failure(
                .misconfigured, "\(path) has only one of aws_access_key_id and aws_secret_access_key",
                fix: "aws configure\(shownProfile.map { " --profile \($0)" } ?? "")")
        }
        let token = section?["aws_security_token"] ?? section?["aws_session_token"]
        return AWSCredentials(
            accessKey: accessKey, secretKey: secretKey, sessionToken: token.flatMap { $0.isEmpty ? nil : $0 })
    }

    /// nil: the default that nobody named.
    var shownProfile: String? { choice.isNamed ? choice.name : nil }

    /// For a command's end: ` --profile X`, or nothing.
    var profileOption: String { shownProfile.map { " --profile \($0)" } ?? "" }

    func failure(_ kind: CredentialFailure.Kind, _ reason: String, fix: String) -> CredentialFailure {
        CredentialFailure(kind, profile: shownProfile, reason: reason, tried: tried, fix: fix)
    }

    /// Reads a file that the outcome hangs on.
    mutating func remembered(_ path: String) -> [UInt8]? {
        files[path] = .some(surroundings.stamp(path))
        return surroundings.contents(path)
    }
}

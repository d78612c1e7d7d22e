import Crypto
import Foundation

extension CredentialChain {
    /// Assumes a profile's role, with what its `source_profile` or its `credential_source` gives.
    ///
    /// - Parameter visited: the profiles on the way here, this one last.
    mutating func role(of name: String, visited: [String]) async throws(CredentialFailure) -> AWSCredentials? {
        guard let profile = config.profiles[name], Self.hasRole(profile), let arn = profile["role_arn"] else {
            return nil
        }
        tried.append(name == choice.name ? "role" : "role of \(name)")
        let parameters = Self.roleParameters(arn, profile)
        if let serial = profile["mfa_serial"] {
            return try cachedRole(parameters, serial: serial, name)
        }
        let source: AWSCredentials
        switch (profile["source_profile"], profile["credential_source"]) {
        case (_?, _?):
            throw failure(
                .misconfigured, "\(called(name)) has both source_profile and credential_source",
                fix: "delete one of them from \(surroundings.configPath)")
        case (nil, nil):
            throw failure(
                .misconfigured, "\(called(name)) has a role_arn and no source_profile or credential_source",
                fix: "add a source_profile to it in \(surroundings.configPath)")
        case (nil, let place?): source = try await placed(place, name)
        case (let other?, nil): source = try await sourced(other, from: name, visited: visited)
        }
        return try await assume(parameters, with: source)
    }

    static func hasRole(_ profile: AWSConfig.Section) -> Bool {
        profile.has("role_arn") && !profile.has("web_identity_token_file")
    }

    private static func hasKeys(_ profile: AWSConfig.Section) -> Bool {
        profile.has("aws_access_key_id") || profile.has("aws_secret_access_key")
    }

    private mutating func placed(_ place: String, _ name: String) async throws(CredentialFailure) -> AWSCredentials {
        let found: AWSCredentials?
        switch place {
        case "Environment": found = try environmentKeys()
        case "EcsContainer": found = try await container()
        case "Ec2InstanceMetadata": found = try await instance()
        default:
            throw failure(
                .misconfigured, "\(called(name)) has credential_source = \(place), which there is not",
                fix: "write Environment, EcsContainer or Ec2InstanceMetadata in \(surroundings.configPath)")
        }
        if let found { return found }
        throw failure(
            .none, "\(called(name)) wants credentials of \(place), and there are none",
            fix: "give it a source_profile in \(surroundings.configPath), or see to \(place)")
    }

    private mutating func sourced(
        _ source: String, from name: String, visited: [String]
    ) async throws(CredentialFailure) -> AWSCredentials {
        guard let profile = config.profiles[source] else {
            throw failure(
                .misconfigured, "source_profile \"\(source)\" of \"\(name)\" does not exist",
                fix: "aws configure --profile \(source), or name another in \(surroundings.configPath)")
        }
        // A profile may name itself for its own keys.
        guard !visited.contains(source) || source == name && Self.hasKeys(profile) else {
            throw failure(
                .misconfigured,
                "source_profile goes round in a circle: \((visited + [source]).joined(separator: ", "))",
                fix: "have one of them name a profile with keys in \(surroundings.configPath)")
        }
        if !Self.hasKeys(profile), Self.hasRole(profile) {
            if let found = try await role(of: source, visited: visited + [source]) { return found }
        } else if let found = try await sources(of: source, usesEnvironment: false) {
            return found
        }
        throw failure(
            .misconfigured, "source_profile \"\(source)\" of \"\(name)\" has no credentials",
            fix: "aws configure --profile \(source)")
    }

    private static func roleParameters(_ arn: String, _ profile: AWSConfig.Section) -> [(name: String, value: String)] {
        let optional = [
            ("DurationSeconds", profile["duration_seconds"].flatMap { Int($0) }.map { String($0) }),
            ("ExternalId", profile["external_id"]), ("RoleArn", arn),
            ("RoleSessionName", profile["role_session_name"]), ("SerialNumber", profile["mfa_serial"]),
        ]
        return optional.compactMap { name, value in value.map { (name, $0) } }
    }

    /// - Parameter parameters: in the order of their names.
    private func assume(
        _ parameters: [(name: String, value: String)], with source: AWSCredentials
    ) async throws(CredentialFailure) -> AWSCredentials {
        try await lent("AssumeRole", parameters, credentials: source)
    }

    /// Asks STS for credentials.
    private func lent(
        _ action: String, _ parameters: [(name: String, value: String)], credentials: AWSCredentials?
    ) async throws(CredentialFailure) -> AWSCredentials {
        guard let endpoint = endpoint(.sts) else {
            throw failure(.misconfigured, "no endpoint of STS", fix: "set AWS_REGION")
        }
        let service = SecurityTokenService(endpoint: endpoint)
        var parameters = parameters
        if !parameters.contains(where: { $0.name == "RoleSessionName" }) {
            parameters.append(("RoleSessionName", "llmstack-\(Int(surroundings.now().timeIntervalSince1970))"))
        }
        let reply = try await send(to: "STS at \(endpoint.url)") {
            service.request(action, parameters, credentials: credentials, now: surroundings.now())
        }
        if let found = SecurityTokenService.credentials(in: reply) { return found }
        let arn = parameters.first { $0.name == "RoleArn" }?.value ?? ""
        throw failure(
            .refused, "STS refused \(action) for \(arn): \(SecurityTokenService.problem(in: reply))",
            fix: "see what aws sts get-caller-identity\(profileOption) says")
    }

    func endpoint(_ service: AWSEndpoint.Service, region: String? = nil) -> AWSEndpoint? {
        AWSEndpoint(
            service, region: region ?? self.region, section: section, config: config, variables: surroundings.variables)
    }

    /// A role that asks for a code: nobody is there to type one, but the AWS CLI keeps what it was given for one.
    private mutating func cachedRole(
        _ parameters: [(name: String, value: String)], serial: String, _ name: String
    ) throws(CredentialFailure) -> AWSCredentials {
        let path = "\(surroundings.home)/.aws/cli/cache/\(Self.cacheName(parameters)).json"
        let fields = remembered(path).flatMap { JSONFields($0) }?.object("Credentials")
        let expiration = fields?["Expiration"].flatMap(AWSTimestamp.parse)
        if let expiration, expiration > surroundings.now(),
            let found = fields?.credentials("AccessKeyId", "SecretAccessKey", "SessionToken", expiration: expiration)
        {
            return found
        }
        throw failure(
            .loginNeeded,
            "the role of \"\(name)\" asks for a code of \(serial), and the AWS CLI has none that still holds",
            fix: "aws sts get-caller-identity --profile \(name), which asks for the code and keeps what it gives")
    }

    /// The name of a role's file in the cache of the AWS CLI: SHA-1 of its parameters as Python writes JSON.
    static func cacheName(_ parameters: [(name: String, value: String)]) -> String {
        let members = parameters.sorted { $0.name < $1.name }.map { parameter in
            let isNumber = parameter.name == "DurationSeconds"
            return "\"\(parameter.name)\": \(isNumber ? parameter.value : PythonJSON.string(parameter.value))"
        }
        return HexDigits.lower(Insecure.SHA1.hash(data: Array("{\(members.joined(separator: ", "))}".utf8)))
    }

    /// AssumeRoleWithWebIdentity: by the environment's names, else the profile's.
    mutating func webIdentity(
        _ name: String, usesEnvironment: Bool
    ) async throws(CredentialFailure) -> AWSCredentials? {
        tried.append("web identity")
        let profile = config.profiles[name]
        func value(_ name: String, _ variable: String) -> String? {
            (usesEnvironment ? surroundings.variables[variable] : nil) ?? profile?[name]
        }
        guard let path = value("web_identity_token_file", "AWS_WEB_IDENTITY_TOKEN_FILE"), !path.isEmpty else {
            return nil
        }
        guard let arn = value("role_arn", "AWS_ROLE_ARN"), !arn.isEmpty else {
            throw failure(
                .misconfigured, "there is a web identity token file and no role to assume with it",
                fix: "set AWS_ROLE_ARN, or role_arn in the profile")
        }
        guard let token = surroundings.text(path)?.trimmed, !token.isEmpty else {
            _ = remembered(path)
            throw failure(
                .misconfigured, "there is no token in \(path)",
                fix: "see to what writes it (web_identity_token_file, AWS_WEB_IDENTITY_TOKEN_FILE)")
        }
        var parameters = [(name: "RoleArn", value: arn), ("WebIdentityToken", token)]
        if let session = value("role_session_name", "AWS_ROLE_SESSION_NAME") {
            parameters.append(("RoleSessionName", session))
        }
        return try await lent("AssumeRoleWithWebIdentity", parameters, credentials: nil)
    }
}

/// JSON as Python's `json.dumps` writes it: in ASCII only.
enum PythonJSON {
    static func string(_ text: String) -> String {
        var result = "\""
        for unit in text.utf16 {
            switch unit {
            case 0x22: result += "\\\""
            case 0x5c: result += "\\\\"
            case 0x08: result += "\\b"
            case 0x0c: result += "\\f"
            case 0x0a: result += "\\n"
            case 0x0d: result += "\\r"
            case 0x09: result += "\\t"
            case 0x20...0x7e: result.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            default:
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return result + "\""
    }
}

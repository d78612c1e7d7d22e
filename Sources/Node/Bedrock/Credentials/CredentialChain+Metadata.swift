import Foundation

extension CredentialChain {
    /// Hosts that a container's service may have over plain HTTP: those of ECS and EKS, and the loopback.
    private static let containerHosts: Set<String> = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost"]
    /// As AWS's programs have it.
    private static let containerPatience = Patience(attempts: 3, timeout: .seconds(2), pause: .seconds(1))

    /// The credentials' service of a container
    /// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html).
    mutating func container() async throws(CredentialFailure) -> AWSCredentials? {
        tried.append("container")
        let url: String
        if let relative = surroundings.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            url = "http://169.254.170.2\(relative)"
        } else if let full = surroundings.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            url = full
        } else {
            return nil
        }
        let fix = "check AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI where the daemons are started"
        guard let parts = URLComponents(string: url), let host = parts.host, Self.isAllowed(host, parts.scheme) else {
            throw failure(
                .misconfigured,
                "the container's credentials may not come from there: only over HTTPS, from this host, "
                    + "or from \(Self.containerHosts.sorted().joined(separator: ", "))", fix: fix)
        }
        let authorization = try containerToken(fix: fix)
        let reply = try await send(to: "the container's credentials' service", patience: Self.containerPatience) {
            var request = Curl.Request(url, headers: ["accept: application/json"] + authorization)
            request.isDirect = parts.scheme != "https"
            return request
        }
        let fields = JSONFields(reply.body)
        guard reply.status == 200, let expiration = fields?["Expiration"].flatMap(AWSTimestamp.parse),
            let found = fields?.credentials("AccessKeyId", "SecretAccessKey", "Token", expiration: expiration)
        else {
            throw failure(
                .refused, "the container's service gives no credentials (status \(reply.status))", fix: fix)
        }
        return found
    }

    private static func isAllowed(_ host: String, _ scheme: String?) -> Bool {
        if scheme == "https" { return true }
        let bare = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        let parts = bare.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        let isLoopback = bare == "::1" || parts.count == 4 && parts[0] == 127 && parts.allSatisfy { $0 != nil }
        return scheme == "http" && (isLoopback || containerHosts.contains(bare))
    }

    /// The header Authorization, where there is a token; a file's counts first, and is read each time.
    private func containerToken(fix: String) throws(CredentialFailure) -> [String] {
        var token = surroundings.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN")
        if let path = surroundings.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            guard let text = surroundings.text(path) else {
                throw failure(.misconfigured, "there is no AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE at \(path)", fix: fix)
            }
            token = text.trimmed
        }
        guard let token else { return [] }
        guard !token.utf8.contains(where: { $0 == 10 || $0 == 13 }) else {
            throw failure(.misconfigured, "the container's authorization token has a line break in it", fix: fix)
        }
        return ["authorization: \(token)"]
    }

    /// The metadata service of an EC2 instance, version 2; version 1 where it knows no other
    /// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html). Where nobody
    /// answers this is no instance.
    mutating func instance() async throws(CredentialFailure) -> AWSCredentials? {
        guard surroundings.variable("AWS_EC2_METADATA_DISABLED")?.lowercased() != "true" else {
            tried.append("instance metadata (off)")
            return nil
        }
        tried.append("instance metadata")
        func setting(_ name: String, _ variable: String) -> String? {
            AWSEndpoint.setting(name, variable, section, surroundings.variables)
        }
        let mode = setting("ec2_metadata_service_endpoint_mode", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")?.lowercased()
        let base =
            setting("ec2_metadata_service_endpoint", "AWS_EC2_METADATA_SERVICE_ENDPOINT")
            ?? (mode == "ipv6" ? "http://[fd00:ec2::254]" : "http://169.254.169.254")
        let seconds = setting("metadata_service_timeout", "AWS_METADATA_SERVICE_TIMEOUT").flatMap { Int($0) } ?? 1
        let attempts = setting("metadata_service_num_attempts", "AWS_METADATA_SERVICE_NUM_ATTEMPTS").flatMap { Int($0) }
        let patience = Patience(
            attempts: min(attempts ?? 1, 10), timeout: .seconds(max(1, min(seconds, 60))), pause: .milliseconds(100))
        func ask(_ path: String, _ method: String?, _ header: String?) async -> AWSSurroundings.Reply? {
            try? await send(to: "instance metadata", patience: patience) {
                var request = Curl.Request(
                    (base.hasSuffix("/") ? base : base + "/") + path, headers: header.map { [$0] } ?? [],
                    method: method, body: method == nil ? nil : [])
                // A proxy would see the credentials.
                request.isDirect = true
                return request
            }
        }
        // Six hours.
        guard let lease = await ask("latest/api/token", "PUT", "x-aws-ec2-metadata-token-ttl-seconds: 21600") else {
            return nil
        }
        let isOldRefused = AWSEndpoint.isOn(
            "ec2_metadata_v1_disabled", "AWS_EC2_METADATA_V1_DISABLED", section, surroundings.variables)
        guard lease.status == 200 || [403, 404, 405].contains(lease.status) && !isOldRefused else { return nil }
        let token =
            lease.status == 200 ? "x-aws-ec2-metadata-token: \(String(decoding: lease.body, as: UTF8.self))" : nil
        let path = "latest/meta-data/iam/security-credentials/"
        guard let roles = await ask(path, nil, token), roles.status == 200,
            let role = String(decoding: roles.body, as: UTF8.self).split(whereSeparator: \.isNewline).first,
            let reply = await ask(path + PercentEncoding.encode(role.trimmed), nil, token), reply.status == 200,
            let fields = JSONFields(reply.body), var expiration = fields["Expiration"].flatMap(AWSTimestamp.parse)
        else { return nil }
        // Where AWS cannot renew them it goes on accepting them, and they are asked for again later.
        let soonest = surroundings.now().addingTimeInterval(20 * 60)
        if expiration < soonest { expiration = soonest }
        return fields.credentials("AccessKeyId", "SecretAccessKey", "Token", expiration: expiration)
    }
}

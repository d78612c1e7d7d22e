import Foundation

extension CredentialChain {
    /// IAM Identity Center: a role's credentials for the login that somebody made with `aws sso login`.
    mutating func identityCenter(_ name: String) async throws(CredentialFailure) -> AWSCredentials? {
        guard let profile = config.profiles[name] else { return nil }
        let login: SSOLogin
        do {
            guard let found = try SSOLogin.of(profile, in: config) else { return nil }
            login = found
        } catch {
            throw failure(
                .misconfigured, "\(called(name)) is for IAM Identity Center (SSO), but \(error.problem)",
                fix: "aws configure sso --profile \(name)")
        }
        tried.append("IAM Identity Center (SSO)")
        let token = try await token(of: login, profile: name)
        guard let endpoint = endpoint(.portal, region: login.region) else { return nil }
        let query = RequestSigner.query([("role_name", login.role), ("account_id", login.account)])
        let reply = try await send(to: "IAM Identity Center at \(endpoint.url)") {
            Curl.Request(
                "\(endpoint.url)/federation/credentials?\(query)", headers: ["x-amz-sso_bearer_token: \(token.token)"])
        }
        if reply.status == 401 { throw loginNeeded("the login has ended", name, login) }
        let fields = JSONFields(reply.body)
        let found = fields?.object("roleCredentials")
        if reply.status == 200,
            let credentials = found?.credentials(
                "accessKeyId", "secretAccessKey", "sessionToken",
                expiration: found?.number("expiration").map { Date(timeIntervalSince1970: $0 / 1000) })
        {
            return credentials
        }
        let words = fields?["message"].map { ": \(ForeignWords.firstLine($0))" } ?? ""
        throw failure(
            .refused,
            "IAM Identity Center gives no credentials of \(login.role) in \(login.account) "
                + "(status \(reply.status)\(words))",
            fix: "check sso_role_name and sso_account_id of profile \"\(name)\" in \(surroundings.configPath)")
    }

    /// The login that AWS's programs share, renewed when it is about to end and can be.
    private mutating func token(of login: SSOLogin, profile: String) async throws(CredentialFailure) -> SSOToken {
        let path = "\(surroundings.home)/.aws/sso/cache/\(login.cacheName).json"
        guard let token = remembered(path).flatMap({ SSOToken($0) }) else {
            throw loginNeeded("nobody has logged in", profile, login)
        }
        let now = surroundings.now()
        if let renewal = token.renewal, login.session != nil, renewal.registrationEnd > now,
            token.expiration.timeIntervalSince(now) < SSOToken.window
        {
            if let renewed = await renewed(renewal, login: login, path: path), renewed.expiration > now {
                return renewed
            }
            // Another program may have renewed it in the meantime: what it was renewed with holds only once.
            if let other = remembered(path).flatMap({ SSOToken($0) }), other.expiration > now { return other }
        }
        guard token.expiration > now else { throw loginNeeded("the login has expired", profile, login) }
        return token
    }

    private mutating func renewed(_ renewal: SSOToken.Renewal, login: SSOLogin, path: String) async -> SSOToken? {
        guard let endpoint = endpoint(.oidc, region: login.region) else { return nil }
        let reply = try? await send(to: "IAM Identity Center at \(endpoint.url)") {
            Curl.Request(
                "\(endpoint.url)/token", headers: ["content-type: application/json"], method: "POST",
                body: SSOToken.order(renewal))
        }
        guard let reply, reply.status == 200,
            let renewed = SSOToken.renewed(by: reply.body, renewal, login: login, now: surroundings.now())
        else { return nil }
        // Shared with AWS's programs: what it was renewed with holds only once.
        _ = surroundings.save(renewed.file, path)
        files[path] = .some(surroundings.stamp(path))
        return renewed.token
    }

    private func loginNeeded(_ reason: String, _ name: String, _ login: SSOLogin) -> CredentialFailure {
        let whose = login.session.map { "sso-session \($0)" } ?? login.startURL
        return failure(.loginNeeded, "\(reason) (\(whose))", fix: "aws sso login --profile \(name)")
    }
}

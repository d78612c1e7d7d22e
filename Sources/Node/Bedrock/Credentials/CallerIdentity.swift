/// Whose credentials they are, as STS says.
package struct CallerIdentity: Equatable, Sendable {
    package var account: String
    /// Of the user or the assumed role.
    package var arn: String

    package init(account: String, arn: String) {
        self.account = account
        self.arn = arn
    }

    /// Asks STS: nobody needs a permission for that, and nothing is charged.
    ///
    /// - Parameters:
    ///   - profile: the tier's; nil leaves it to AWS_PROFILE and `default`.
    ///   - region: the tier's.
    package static func ask(
        _ credentials: AWSCredentials, profile: String?, region: String?, surroundings: AWSSurroundings
    ) async throws(CredentialFailure) -> CallerIdentity {
        let chain = try CredentialChain(surroundings, profile: profile, region: region)
        guard let endpoint = chain.endpoint(.sts) else {
            throw chain.failure(.misconfigured, "STS has no endpoint", fix: "set aws_region in models.ini")
        }
        let service = SecurityTokenService(endpoint: endpoint)
        let reply = try await chain.send(to: "STS at \(endpoint.url)") {
            service.request("GetCallerIdentity", [], credentials: credentials, now: surroundings.now())
        }
        let text = XMLTexts(reply.body)
        guard reply.status == 200, let account = text["Account"], let arn = text["Arn"] else {
            throw chain.failure(
                .refused, "STS refuses these credentials: \(SecurityTokenService.problem(in: reply))",
                fix: "see what aws sts get-caller-identity\(chain.profileOption) says")
        }
        return CallerIdentity(account: account, arn: arn)
    }
}

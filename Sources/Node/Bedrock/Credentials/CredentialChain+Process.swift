import Foundation

extension CredentialChain {
    /// `credential_process`: a program that writes credentials
    /// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html).
    mutating func process(_ name: String) async throws(CredentialFailure) -> AWSCredentials? {
        guard let command = config.profiles[name]?["credential_process"] else { return nil }
        tried.append("credential_process")
        guard let words = ShellWords.split(command), let program = words.first else {
            throw failure(
                .misconfigured,
                "credential_process of \"\(name)\" is no command: a quotation is not closed, or it is empty",
                fix: "mend it in \(surroundings.configPath)")
        }
        // Arguments may be secrets; the program's name is none.
        let shown =
            "credential_process of \"\(name)\" (\(ForeignWords.firstLine((program as NSString).lastPathComponent)))"
        let fix = "run that command by hand and see what it says"
        guard let result = await surroundings.run(words) else {
            throw failure(.unreachable, "\(shown) could not be started, or did not end in time", fix: fix)
        }
        guard result.exit == .exited(0) else {
            let words = ForeignWords.firstLine(String(decoding: result.errors, as: UTF8.self))
            throw failure(
                .refused, "\(shown) failed with \(result.exit)\(words.isEmpty ? "" : ": \(words)")", fix: fix)
        }
        guard let fields = JSONFields(result.output) else {
            throw failure(.refused, "\(shown) wrote something that is no JSON object", fix: fix)
        }
        guard fields.number("Version") == 1 else {
            throw failure(.refused, "\(shown) wrote credentials of another version than 1", fix: fix)
        }
        let expiration = try fields["Expiration"].map { text throws(CredentialFailure) in
            guard let date = AWSTimestamp.parse(text) else {
                throw failure(.refused, "\(shown) wrote an Expiration that is no time", fix: fix)
            }
            return date
        }
        if let expiration, expiration <= surroundings.now() {
            throw failure(.refused, "\(shown) wrote credentials that have expired", fix: fix)
        }
        guard
            let found = fields.credentials(
                "AccessKeyId", "SecretAccessKey", "SessionToken", expiration: expiration)
        else { throw failure(.refused, "\(shown) wrote no AccessKeyId or no SecretAccessKey", fix: fix) }
        return found
    }
}

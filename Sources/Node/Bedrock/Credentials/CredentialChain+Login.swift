import Crypto
import Foundation

extension CredentialChain {
    /// `aws login`: credentials that the AWS CLI keeps in a file, and renews when it is used.
    mutating func login(_ name: String) async throws(CredentialFailure) -> AWSCredentials? {
        guard let session = config.profiles[name]?["login_session"] else { return nil }
        tried.append("aws login")
        let directory =
            surroundings.variable("AWS_LOGIN_CACHE_DIRECTORY").map(surroundings.expanded)
            ?? "\(surroundings.home)/.aws/login/cache"
        let path = "\(directory)/\(HexDigits.lower(SHA256.hash(data: Array(session.utf8)))).json"
        let fields = remembered(path).flatMap { JSONFields($0) }?.object("accessToken")
        let expiration = fields?["expiresAt"].flatMap(AWSTimestamp.parse)
        if let expiration, expiration > surroundings.now(),
            let found = fields?.credentials("accessKeyId", "secretAccessKey", "sessionToken", expiration: expiration)
        {
            return found
        }
        // Renewing takes the key that the login was bound to: the AWS CLI does that, whatever it is used for.
        throw failure(
            .loginNeeded, expiration == nil ? "nobody has logged in" : "what aws login has kept has expired",
            fix: "aws sts get-caller-identity --profile \(name), which renews it; else aws login --profile \(name)")
    }
}

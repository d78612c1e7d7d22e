import Crypto
import Foundation

/// What a profile says of IAM Identity Center (SSO): which login, and which role of which account with it.
package struct SSOLogin: Equatable, Sendable {
    package var startURL: String
    package var region: String
    package var account: String
    package var role: String
    /// nil: the profile has the login's names itself, as it was before there were sessions; such a login ends and is
    /// not renewed.
    package var session: String?

    /// The name of the login's file in `~/.aws/sso/cache`.
    package var cacheName: String { HexDigits.lower(Insecure.SHA1.hash(data: Array((session ?? startURL).utf8))) }

    package struct Fault: Error, Equatable {
        package var problem: String
    }

    /// - Returns: nil for a profile that has nothing to do with it.
    package static func of(_ profile: AWSConfig.Section, in config: AWSConfig) throws(Fault) -> SSOLogin? {
        guard profile.has("sso_role_name") || profile.has("sso_account_id") else { return nil }
        var texts = profile.texts
        if let session = profile["sso_session"] {
            guard let section = config.loginSessions[session] else {
                throw Fault(problem: "there is no [sso-session \(session)]")
            }
            for (name, value) in section.texts {
                if let own = texts[name], own != value {
                    throw Fault(problem: "\(name) is one thing in the profile and another in [sso-session \(session)]")
                }
                texts[name] = value
            }
        }
        let wanted = ["sso_role_name", "sso_account_id", "sso_start_url", "sso_region"]
        let missing = wanted.filter { texts[$0] == nil }
        guard missing.isEmpty else { throw Fault(problem: "\(missing.joined(separator: ", ")) is not set") }
        return SSOLogin(
            startURL: texts["sso_start_url"] ?? "", region: texts["sso_region"] ?? "",
            account: texts["sso_account_id"] ?? "", role: texts["sso_role_name"] ?? "",
            session: profile["sso_session"])
    }
}

/// A login as `aws sso login` leaves it in its file, which all of AWS's programs share.
struct SSOToken {
    /// How long before its end a login is renewed, as AWS's programs do.
    static let window: TimeInterval = 15 * 60

    var token: String
    var expiration: Date
    /// What it can be renewed with, while the registration of the program that logged in holds.
    var renewal: Renewal?

    struct Renewal {
        var refreshToken: String
        var clientID: String
        var clientSecret: String
        var registrationEnd: Date
        /// As it stands in the file: it is written back.
        var registrationText: String
    }

    init?(_ bytes: [UInt8]) {
        guard let fields = JSONFields(bytes), let token = fields["accessToken"],
            let expiration = fields["expiresAt"].flatMap(AWSTimestamp.parse)
        else { return nil }
        self.token = token
        self.expiration = expiration
        if let refreshToken = fields["refreshToken"], let clientID = fields["clientId"],
            let clientSecret = fields["clientSecret"], let text = fields["registrationExpiresAt"],
            let end = AWSTimestamp.parse(text)
        {
            renewal = Renewal(
                refreshToken: refreshToken, clientID: clientID, clientSecret: clientSecret, registrationEnd: end,
                registrationText: text)
        }
    }

    /// The body of CreateToken (https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html).
    static func order(_ renewal: Renewal) -> [UInt8] {
        json([
            "clientId": renewal.clientID, "clientSecret": renewal.clientSecret, "grantType": "refresh_token",
            "refreshToken": renewal.refreshToken,
        ])
    }

    /// The file's new contents, from CreateToken's answer.
    ///
    /// - Returns: nil where the answer has no token.
    static func renewed(
        by answer: [UInt8], _ renewal: Renewal, login: SSOLogin, now: Date
    ) -> (token: SSOToken, file: [UInt8])? {
        guard let fields = JSONFields(answer), let token = fields["accessToken"],
            let seconds = fields.number("expiresIn")
        else { return nil }
        var texts = [
            "startUrl": login.startURL, "region": login.region, "accessToken": token,
            "expiresAt": AWSTimestamp.text(now.addingTimeInterval(seconds)), "clientId": renewal.clientID,
            "clientSecret": renewal.clientSecret, "registrationExpiresAt": renewal.registrationText,
        ]
        texts["refreshToken"] = fields["refreshToken"]
        let file = json(texts)
        return SSOToken(file).map { ($0, file) }
    }

    private static func json(_ texts: [String: String]) -> [UInt8] {
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8]((try? JSONSerialization.data(withJSONObject: texts, options: options)) ?? Data())
    }
}

import Foundation
import Node
import Testing

struct CredentialsSSOTests {
    private static let config = """
        [profile dev]
        sso_session = my-sso
        sso_account_id = 123456789012
        sso_role_name = Power User
        region = eu-west-1
        [profile old]
        sso_start_url = https://d-1.awsapps.com/start
        sso_region = us-east-1
        sso_account_id = 1
        sso_role_name = r
        [sso-session my-sso]
        sso_region = eu-central-1
        sso_start_url = https://d-2.awsapps.com/start
        """
    /// By `printf %s NAME | sha1sum`.
    private static let sessionFile = "/home/u/.aws/sso/cache/0ad374308c5a4e22f723adf10145eafad7c4031c.json"
    private static let legacyFile = "/home/u/.aws/sso/cache/0c54b6c27e90660baa89eaad85ac1d5dae26cb7d.json"

    private static func token(_ token: String, until: String, refresh: String? = nil, registered: String? = nil)
        -> String
    {
        var members = ["\"accessToken\": \"\(token)\"", "\"expiresAt\": \"\(until)\"", "\"region\": \"eu-central-1\""]
        if let refresh {
            members.append("\"refreshToken\": \"\(refresh)\", \"clientId\": \"c\", \"clientSecret\": \"cs\"")
        }
        if let registered { members.append("\"registrationExpiresAt\": \"\(registered)\"") }
        return "{\(members.joined(separator: ", "))}"
    }

    /// The portal takes the tokens that begin with good; CreateToken takes r1 and gives good2 and r2.
    private static func world(_ files: [String: String]) -> CredentialsWorld {
        CredentialsWorld(
            config: config, files: files,
            answer: { (request, world) async throws(CurlFailure) in
                if request.url == "https://oidc.eu-central-1.amazonaws.com/token" {
                    let body = String(decoding: request.body ?? [], as: UTF8.self)
                    guard
                        body
                            == #"{"clientId":"c","clientSecret":"cs","grantType":"refresh_token","refreshToken":"r1"}"#
                    else { return .text(#"{"error": "invalid_grant"}"#, status: 400) }
                    return .text(#"{"accessToken": "good2", "expiresIn": 3600, "refreshToken": "r2"}"#)
                }
                guard request.headers.contains(where: { $0.hasPrefix("x-amz-sso_bearer_token: good") }) else {
                    return .text("", status: 401)
                }
                let milliseconds = Int((world.now.timeIntervalSince1970 + 3600) * 1000)
                return .text(
                    #"{"roleCredentials": {"accessKeyId": "AKIDSSO", "secretAccessKey": "s", "sessionToken": "t", "#
                        + "\"expiration\": \(milliseconds)}}")
            })
    }

    @Test func aLoginThatHoldsGivesTheRolesCredentials() async throws {
        let world = Self.world([Self.sessionFile: Self.token("good1", until: "2027-01-15T09:00:00Z")])
        let found = try await world.credentials("dev")
        #expect(found.accessKey == "AKIDSSO")
        #expect(found.expiration == world.now.addingTimeInterval(3600))
        #expect(
            world.requests.map(\.url) == [
                "https://portal.sso.eu-central-1.amazonaws.com/federation/credentials"
                    + "?account_id=123456789012&role_name=Power%20User"
            ])
    }

    @Test func aLoginThatIsAboutToEndIsRenewedAndSharedWithTheAWSCLI() async throws {
        let world = Self.world([
            Self.sessionFile: Self.token(
                "good1", until: "2027-01-15T08:10:00Z", refresh: "r1", registered: "2027-03-01T00:00:00Z")
        ])
        #expect(try await world.credentials("dev").accessKey == "AKIDSSO")
        #expect(world.requests.last?.headers == ["x-amz-sso_bearer_token: good2"])
        let file = try #require(world.file(Self.sessionFile))
        let saved = try #require(try JSONSerialization.jsonObject(with: Data(file.utf8)) as? [String: String])
        #expect(
            saved == [
                "startUrl": "https://d-2.awsapps.com/start", "region": "eu-central-1", "accessToken": "good2",
                "expiresAt": "2027-01-15T09:00:00Z", "clientId": "c", "clientSecret": "cs", "refreshToken": "r2",
                "registrationExpiresAt": "2027-03-01T00:00:00Z",
            ])
    }

    /// Each with how many requests were made.
    @Test(arguments: [
        (nil, 0),
        (token("good1", until: "2027-01-15T07:59:59Z"), 0),
        (token("good1", until: "2027-01-15T07:00:00UTC", refresh: "r1", registered: "2027-01-15T07:00:00Z"), 0),
        (token("good1", until: "2027-01-15T07:00:00Z", refresh: "used", registered: "2027-03-01T00:00:00Z"), 1),
        (token("bad", until: "2027-01-15T09:00:00Z"), 1),
        ("{", 0),
    ])
    func aLoginThatHasEndedNamesTheCommand(file: String?, requests: Int) async throws {
        let world = Self.world(file.map { [Self.sessionFile: $0] } ?? [:])
        let failure = try #require(await world.failure("dev"))
        #expect(failure.kind == .loginNeeded)
        #expect(failure.fix == "aws sso login --profile dev")
        #expect(failure.description.contains("AWS profile \"dev\": "))
        #expect(world.requests.count == requests)
    }

    @Test func aLoginThatAnotherProgramHasRenewedMeanwhileIsTaken() async throws {
        let path = Self.sessionFile
        let world = CredentialsWorld(
            config: Self.config,
            files: [
                path: Self.token(
                    "good1", until: "2027-01-15T07:00:00Z", refresh: "r0", registered: "2027-03-01T00:00:00Z")
            ],
            answer: { (request, world) async throws(CurlFailure) in
                if request.url.hasSuffix("/token") {
                    world.write(Self.token("good9", until: "2027-01-15T09:00:00Z"), to: path)
                    return .text("{}", status: 400)
                }
                guard request.headers == ["x-amz-sso_bearer_token: good9"] else { return .text("", status: 401) }
                return .text(
                    #"{"roleCredentials": {"accessKeyId": "AKID9", "secretAccessKey": "s", "expiration": 1900000000000}}"#
                )
            })
        #expect(try await world.credentials("dev").accessKey == "AKID9")
    }

    @Test func aLoginWithoutASessionIsNeverRenewed() async throws {
        let world = Self.world([
            Self.legacyFile: Self.token(
                "good1", until: "2027-01-15T08:00:01Z", refresh: "r1", registered: "2027-03-01T00:00:00Z")
        ])
        #expect(try await world.credentials("old").accessKey == "AKIDSSO")
        #expect(world.requests.count == 1)
        world.advance(1)
        #expect(await world.failure("old")?.fix == "aws sso login --profile old")
        #expect(world.requests.count == 1)
    }

    @Test func aRoleThatTheLoginMayNotHaveIsNamed() async throws {
        let world = CredentialsWorld(
            config: Self.config, files: [Self.sessionFile: Self.token("good1", until: "2027-01-15T09:00:00Z")],
            answer: { (_, _) async throws(CurlFailure) in .text(#"{"message": "No access"}"#, status: 403) })
        let failure = try #require(await world.failure("dev"))
        #expect(failure.kind == .refused)
        #expect(failure.reason.contains("Power User in 123456789012 (status 403: No access)"))
    }
}

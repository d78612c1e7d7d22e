import Foundation
import Node
import Testing

struct CredentialsRoleTests {
    private static let credentials = "[base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = s\n"

    /// STS lends AKID1, AKID2 and so on, for an hour.
    private static func world(_ config: String, _ variables: [String: String] = [:], files: [String: String] = [:])
        -> CredentialsWorld
    {
        CredentialsWorld(
            config: config, credentials: credentials, variables: variables, files: files,
            answer: { (_, world) async throws(CurlFailure) in
                .lent("AKID\(world.requests.count)", until: world.now.addingTimeInterval(3600))
            })
    }

    @Test func aRoleIsAssumedWithItsSourceAndItsNames() async throws {
        let world = Self.world(
            """
            [profile prod]
            role_arn = arn:aws:iam::1:role/bedrock
            source_profile = base
            external_id = x y
            role_session_name = me
            duration_seconds = 900
            region = eu-west-3
            """)
        let found = try await world.credentials("prod")
        #expect(found.accessKey == "AKID1")
        #expect(found.secretKey == "s&AKID1")
        #expect(found.sessionToken == "t-AKID1")
        #expect(found.expiration == world.now.addingTimeInterval(3600))
        let request = try #require(world.requests.first)
        #expect(request.url == "https://sts.eu-west-3.amazonaws.com/")
        #expect(request.method == "POST")
        #expect(request.signer == "AKIDBASE")
        #expect(
            request.form == [
                "Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": "arn:aws:iam::1:role/bedrock",
                "ExternalId": "x y", "RoleSessionName": "me", "DurationSeconds": "900",
            ])
    }

    @Test(
        arguments: [
            ("eu-central-1", [:], "https://sts.eu-central-1.amazonaws.com/"),
            (nil, ["AWS_REGION": "a-1", "AWS_DEFAULT_REGION": "b-1"], "https://sts.a-1.amazonaws.com/"),
            (nil, ["AWS_DEFAULT_REGION": "b-1"], "https://sts.b-1.amazonaws.com/"),
            (nil, [:], "https://sts.amazonaws.com/"),
            (nil, ["AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1/x"], "http://127.0.0.1:1/x/"),
        ] as [(String?, [String: String], String)])
    func stsIsTheOneOfTheRegion(region: String?, variables: [String: String], url: String) async throws {
        let world = Self.world("[profile p]\nrole_arn = r\nsource_profile = base\n", variables)
        _ = try await world.credentials("p", region: region)
        #expect(world.requests.map(\.url) == [url])
    }

    /// Each with who signed which role, in order.
    @Test(arguments: [
        ("[profile p]\nrole_arn = r1\nsource_profile = base\n", ["AKIDBASE r1"]),
        (
            "[profile p]\nrole_arn = r1\nsource_profile = q\n[profile q]\nrole_arn = r2\nsource_profile = base\n",
            ["AKIDBASE r2", "AKID1 r1"]
        ),
        (
            "[profile p]\nrole_arn = r1\nsource_profile = q\n[profile q]\nrole_arn = r2\nsource_profile = s\n"
                + "[profile s]\nrole_arn = r3\ncredential_source = Environment\n",
            ["AKIDENV r3", "AKID1 r2", "AKID2 r1"]
        ),
        // A profile with both keys and a role of its own lends its keys.
        (
            "[profile p]\nrole_arn = r1\nsource_profile = q\n[profile q]\nrole_arn = r2\nsource_profile = base\n"
                + "aws_access_key_id = AKIDQ\naws_secret_access_key = s\n", ["AKIDQ r1"]
        ),
        (
            "[profile p]\nrole_arn = r1\nsource_profile = p\naws_access_key_id = AKIDP\naws_secret_access_key = s\n",
            ["AKIDP r1"]
        ),
        (
            "[profile p]\nrole_arn = r1\nsource_profile = w\n[profile w]\nrole_arn = r2\nweb_identity_token_file = /t\n",
            ["- r2", "AKID1 r1"]
        ),
    ])
    func rolesAreChained(config: String, calls: [String]) async throws {
        let world = Self.world(
            config, ["AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "s"], files: ["/t": "jwt\n"])
        #expect(try await world.credentials("p").accessKey == "AKID\(calls.count)")
        #expect(world.requests.map { "\($0.signer ?? "-") \($0.form["RoleArn"] ?? "-")" } == calls)
    }

    @Test func webIdentityIsOfTheEnvironmentUnlessTheProfileIsNamed() async throws {
        let variables = [
            "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/token", "AWS_ROLE_ARN": "r-env", "AWS_ROLE_SESSION_NAME": "pod",
            "AWS_REGION": "eu-west-1",
        ]
        let world = Self.world(
            "[profile p]\nweb_identity_token_file = /t\nrole_arn = r-profile\n", variables,
            files: ["/t": "jwt-profile", "/var/token": "jwt-env"])
        #expect(try await world.credentials(nil).accessKey == "AKID1")
        #expect(try await world.credentials("p").accessKey == "AKID2")
        #expect(world.requests.map { $0.form["WebIdentityToken"] } == ["jwt-env", "jwt-profile"])
        #expect(world.requests.map { $0.form["RoleArn"] } == ["r-env", "r-profile"])
        #expect(world.requests[0].form["RoleSessionName"] == "pod")
        #expect(world.requests.allSatisfy { $0.signer == nil })
    }

    /// The cache's name is what botocore 1.44 computed for these parameters.
    @Test func aRoleThatAsksForACodeIsTakenFromTheCacheOfTheAWSCLI() async throws {
        let config =
            "[profile p]\nrole_arn = arn:aws:iam::1:role/é\nsource_profile = base\nexternal_id = a\"b\n"
            + "mfa_serial = arn:aws:iam::1:mfa/me\nduration_seconds = 3600\n"
        let path = "/home/u/.aws/cli/cache/629114abb49c6455a60985a0f78b8d7abd610284.json"
        let cached = """
            {"Credentials": {"AccessKeyId": "AKIDMFA", "SecretAccessKey": "s", "SessionToken": "t",
             "Expiration": "2027-01-15T08:10:00+00:00"}, "ProviderType": "assume-role"}
            """
        let world = Self.world(config, files: [path: cached])
        #expect(try await world.credentials("p").accessKey == "AKIDMFA")
        world.advance(600)
        let failure = try #require(await world.failure("p"))
        #expect(failure.kind == .loginNeeded)
        #expect(failure.reason.contains("arn:aws:iam::1:mfa/me"))
        #expect(failure.fix.hasPrefix("aws sts get-caller-identity --profile p"))
        #expect(world.requests.isEmpty)
    }

    @Test func aRefusalIsToldInTheWordsOfSTSWithoutTheToken() async throws {
        let world = CredentialsWorld(
            config: "[profile p]\nrole_arn = r1\nsource_profile = base\n", credentials: Self.credentials,
            answer: { (_, _) async throws(CurlFailure) in
                .refused("SignatureDoesNotMatch", "The signature is not right.\n\nx-amz-security-token:hidden-value")
            })
        let failure = try #require(await world.failure("p"))
        #expect(failure.kind == .refused)
        #expect(failure.reason == "STS refused AssumeRole for r1: SignatureDoesNotMatch: The signature is not right.")
        #expect(world.requests.count == 1)
    }

    @Test func whatMayPassIsTriedThreeTimes() async throws {
        let world = CredentialsWorld(
            config: "[profile p]\nrole_arn = r1\nsource_profile = base\n", credentials: Self.credentials,
            answer: { (_, world) async throws(CurlFailure) in
                switch world.requests.count {
                case 1: throw CurlFailure(.timeout, reason: "slow")
                case 2: .text("", status: 503)
                default: .lent("AKIDX", until: world.now.addingTimeInterval(3600))
                }
            })
        #expect(try await world.credentials("p").accessKey == "AKIDX")
        #expect(world.pauses == [.milliseconds(200), .milliseconds(400)])
        let down = CredentialsWorld(
            config: "[profile p]\nrole_arn = r1\nsource_profile = base\n", credentials: Self.credentials)
        let failure = try #require(await down.failure("p"))
        #expect(failure.kind == .unreachable)
        #expect(down.requests.count == 3)
    }

    @Test func theCallerIsWhoSTSSays() async throws {
        let world = CredentialsWorld(
            answer: { (_, _) async throws(CurlFailure) in
                .text(
                    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::12:user/a&amp;b</Arn>"
                        + "<UserId>A</UserId><Account>12</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
                )
            })
        let credentials = AWSCredentials(accessKey: "AKID", secretKey: "s")
        let identity = try await CallerIdentity.ask(
            credentials, profile: nil, region: "eu-west-1", surroundings: world.surroundings)
        #expect(identity == CallerIdentity(account: "12", arn: "arn:aws:iam::12:user/a&b"))
        #expect(world.requests.map(\.url) == ["https://sts.eu-west-1.amazonaws.com/"])
        #expect(world.requests.first?.signer == "AKID")
    }
}

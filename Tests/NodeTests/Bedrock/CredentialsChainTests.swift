import Foundation
import Node
import Testing

struct CredentialsChainTests {
    private static let credentials = """
        [prof-a]
        aws_access_key_id = AKIDA
        aws_secret_access_key = sa

        [prof-b]
        aws_access_key_id = AKIDB
        aws_secret_access_key = sb
        aws_session_token = tokB
        """
    private static let keys = ["AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "se"]

    @Test(
        arguments: [
            ("prof-a", keys, "AKIDA", nil), ("prof-b", keys, "AKIDB", "tokB"), (nil, keys, "AKIDENV", nil),
            ("prof-a", [:], "AKIDA", nil), ("prof-b", [:], "AKIDB", "tokB"),
            (nil, ["AWS_PROFILE": "prof-b"], "AKIDB", "tokB"),
            (nil, keys.merging(["AWS_PROFILE": "prof-b"]) { $1 }, "AKIDENV", nil),
            (nil, keys.merging(["AWS_SESSION_TOKEN": "te"]) { $1 }, "AKIDENV", "te"),
            ("config-only", keys, "AKIDC", nil), ("both", [:], "AKIDBOTH", nil),
        ] as [(String?, [String: String], String, String?)])
    func aNamedProfileCountsOverTheEnvironmentAndTheEnvironmentOverAWSPROFILE(
        profile: String?, variables: [String: String], accessKey: String, token: String?
    ) async throws {
        let world = CredentialsWorld(
            config: """
                [profile prof-a]
                region = ap-south-1
                [profile config-only]
                aws_access_key_id = AKIDC
                aws_secret_access_key = sc
                [profile both]
                aws_access_key_id = AKIDNOT
                aws_secret_access_key = sn
                """,
            credentials: Self.credentials + "\n[both]\naws_access_key_id = AKIDBOTH\naws_secret_access_key = s\n",
            variables: variables)
        let found = try await world.credentials(profile)
        #expect(found.accessKey == accessKey)
        #expect(found.sessionToken == token)
        #expect(world.requests.isEmpty)
    }

    @Test func nothingConfiguredSaysWhatWasLookedAt() async throws {
        let world = CredentialsWorld(credentials: Self.credentials)
        let failure = try #require(await world.failure(nil))
        #expect(failure.kind == .none)
        #expect(failure.summary == "Unable to locate credentials")
        #expect(failure.errorType == "NoCredentialsError")
        #expect(
            failure.tried == [
                "environment", "web identity", "/home/u/.aws/credentials", "/home/u/.aws/config", "container",
                "instance metadata",
            ])
        #expect(failure.description.contains("\n  fix: aws configure"))
        let named = try #require(await CredentialsWorld(config: "[profile empty]\nregion = r\n").failure("empty"))
        #expect(named.kind == .none)
        #expect(named.fix.contains("aws configure --profile empty"))
        #expect(!named.tried.contains("environment"))
    }

    @Test(arguments: ["absent-profile", nil])
    func aProfileThatIsNowhereIsNamed(profile: String?) async throws {
        let variables = Self.keys.merging(profile == nil ? ["AWS_PROFILE": "absent-profile"] : [:]) { $1 }
        let world = CredentialsWorld(credentials: Self.credentials, variables: variables)
        let failure = try #require(await world.failure(profile))
        #expect(failure.kind == .noProfile)
        #expect(failure.errorType == "ProfileNotFound")
        #expect(failure.summary.contains("\"absent-profile\""))
        #expect(failure.fix.contains("aws configure --profile absent-profile"))
    }

    @Test(
        arguments: [
            (["AWS_ACCESS_KEY_ID": "AKIDSECRET"], "", "", "AWS_SECRET_ACCESS_KEY"),
            ([:], "[default]\naws_access_key_id = AKID\n", "", "aws_secret_access_key"),
            ([:], "", "[default]\naws_access_key_id = AKID\naws_secret_access_key =\n", "aws_secret_access_key"),
            ([:], "[default]\nhidden-value\n", "", "credentials line 2"),
            ([:], "", "[default]\nhidden-value\n", "config line 2"),
            (
                [:], "", "[default]\nsource_profile = x\nrole_arn = a\n",
                "source_profile \"x\" of \"default\" does not exist"
            ),
            ([:], "", "[default]\nrole_arn = a\n", "no source_profile or credential_source"),
            ([:], "", "[default]\nrole_arn = a\nsource_profile = b\ncredential_source = Environment\n", "both"),
            ([:], "", "[default]\nrole_arn = a\ncredential_source = Moon\n", "Moon"),
            ([:], "", "[default]\nrole_arn = a\nsource_profile = default\n", "in a circle: default, default"),
            (
                [:], "",
                "[default]\nrole_arn = a\nsource_profile = b\n[profile b]\nrole_arn = c\nsource_profile = default\n",
                "in a circle: default, b, default"
            ),
            (
                [:], "", "[default]\nrole_arn = a\nsource_profile = b\n[profile b]\nregion = r\n",
                "\"b\" of \"default\" has no"
            ),
            ([:], "", "[default]\nweb_identity_token_file = /t\n", "no role"),
            ([:], "", "[default]\nweb_identity_token_file = /t\nrole_arn = a\n", "no token in /t"),
            ([:], "", "[default]\nsso_account_id = 1\nsso_role_name = r\n", "sso_start_url, sso_region is not set"),
            ([:], "", "[default]\nsso_account_id = 1\nsso_session = s\n", "no [sso-session s]"),
            (
                [:], "",
                "[default]\nsso_account_id = 1\nsso_session = s\nsso_region = a\n[sso-session s]\nsso_region = b\n",
                "sso_region is one thing"
            ),
            ([:], "", "[default]\ncredential_process = \"a\n", "quotation"),
        ] as [([String: String], String, String, String)])
    func contradictionsAreToldWithoutSecrets(
        variables: [String: String], credentials: String, config: String, words: String
    ) async throws {
        let world = CredentialsWorld(config: config, credentials: credentials, variables: variables)
        let failure = try #require(await world.failure(nil))
        #expect(failure.kind == .misconfigured)
        #expect(failure.reason.contains(words), "\(failure.reason)")
        #expect(!failure.description.contains("hidden-value"))
        #expect(!failure.fix.isEmpty)
    }

    @Test func keysOfTheEnvironmentEndWhenItSays() async throws {
        let variables = Self.keys.merging(["AWS_CREDENTIAL_EXPIRATION": "2027-01-15T09:00:00Z"]) { $1 }
        let world = CredentialsWorld(variables: variables)
        #expect(try await world.credentials(nil).expiration == world.now.addingTimeInterval(3600))
        world.advance(3600)
        #expect(await world.failure(nil)?.kind == .loginNeeded)
    }

    @Test func wordsOfOthersAreShownWithoutWhatMayBeASecret() async throws {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
        let world = CredentialsWorld(
            config: "[default]\ncredential_process = /opt/bin/vault --password=hidden-value get\n",
            output: { _ in
                .init(
                    exit: .exited(3), output: Array(secret.utf8),
                    errors: Array("\nno login: \(secret)\u{1b}[31m\nx".utf8))
            })
        let failure = try #require(await world.failure(nil))
        #expect(failure.kind == .refused)
        #expect(
            failure.reason == "credential_process of \"default\" (vault) failed with exit code 3: no login: […] [31m")
        #expect(!failure.description.contains("hidden-value"))
    }
}

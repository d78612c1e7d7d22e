import Foundation
import Node
import Testing

/// Expectations are what Python's configparser and shlex gave for the same text.
struct CredentialsConfigTests {
    private static let texts: [(text: String, sections: [(String, AWSConfigText.Section)])] = [
        ("[a]\nK = v ; not a comment # nor this\n", [("a", .init(texts: ["k": "v ; not a comment # nor this"]))]),
        ("[a]\nk = v\n  more\n\n  end\n# c\nl: w=x\n", [("a", .init(texts: ["k": "v\nmore\n\nend", "l": "w=x"]))]),
        (
            "[DEFAULT]\nregion=r\n[a]\nx=1\n[b]\nregion=s\n",
            [("a", .init(texts: ["x": "1", "region": "r"])), ("b", .init(texts: ["region": "s"]))]
        ),
        (
            "[a]\ns3 =\n  x = 1\n  Y = a = b\nregion = r\n",
            [("a", .init(texts: ["region": "r"], tables: ["s3": ["x": "1", "Y": "a = b"]]))]
        ),
        ("[a]\n  k = 1\n  l = 2\n   cont\n", [("a", .init(texts: ["k": "1", "l": "2\ncont"]))]),
        ("[a]\nk =\n", [("a", .init(texts: ["k": ""]))]),
        ("[a\\]x] y]\nk=1\n", [("a\\]x] y", .init(texts: ["k": "1"]))]),
        ("\u{FEFF}[a]\r\nk = v\r\n", [("a", .init(texts: ["k": "v"]))]),
        (
            "[a]\nk = v\n[b]\n  l = 2\n m = 3\n",
            [("a", .init(texts: ["k": "v"])), ("b", .init(texts: ["l": "2", "m": "3"]))]
        ),
        ("", []),
    ]

    @Test(arguments: texts.indices)
    func filesAreReadAsTheAWSProgramsReadThem(_ index: Int) throws {
        let (text, sections) = Self.texts[index]
        let parsed = try AWSConfigText.parse(text)
        #expect(parsed.sections.map(\.name) == sections.map(\.0))
        #expect(parsed.sections.map(\.section) == sections.map(\.1))
    }

    @Test(arguments: [
        ("[a]\nk=secret\nk=secret\n", 3), ("[a]\nx=1\n[a]\n", 3), ("k=secret\n", 1), ("[a]\nsecret\n", 2),
        ("[a]\n= secret\n", 2), ("[a]\nt =\n  secret\n", 2), ("[]\nk=1\n", 1),
    ])
    func faultsNameTheirLineAndNoValue(text: String, line: Int) throws {
        let fault = #expect(throws: AWSConfigText.Fault.self) { try AWSConfigText.parse(text) }
        #expect(fault?.line == line)
        #expect(fault?.problem.contains("secret") == false)
    }

    @Test(arguments: [
        ("a b  c", ["a", "b", "c"]), ("a 'b c' d", ["a", "b c", "d"]),
        (#"a "b \"c\" \x \$" d"#, ["a", #"b "c" \x \$"#, "d"]), (#"a\ b"#, ["a b"]), ("''", [""]),
        (#"a"b"c"#, ["abc"]), ("a\tb\nc", ["a", "b", "c"]), (#"'a\b'"#, [#"a\b"#]), (#""a"#, nil),
        (#"a\\"#, [#"a\"#]), (#"a\"#, nil), ("#x y", ["#x", "y"]),
        (#"/p/x --a="b c" \'\""#, ["/p/x", "--a=b c", #"'""#]), ("", []),
    ])
    func commandsAreCutIntoWordsWithoutAShell(text: String, words: [String]?) {
        #expect(ShellWords.split(text) == words)
    }

    @Test(arguments: [
        ("2027-01-15T08:00:00Z", 1_800_000_000.0), ("2027-01-15T08:00:00UTC", 1_800_000_000),
        ("2027-01-15T10:00:00+02:00", 1_800_000_000), ("2027-01-15 03:00:00-0500", 1_800_000_000),
        ("2027-01-15T08:00:00.250Z", 1_800_000_000.25), ("2024-02-29T23:59:59", 1_709_251_199),
        ("1970-01-01T00:00:00Z", 0), ("tomorrow", nil), ("2027-13-01T00:00:00Z", nil), ("2027-01-15", nil),
        ("2027-01-15T08:00:00 noon", nil),
    ])
    func momentsAreRead(text: String, seconds: Double?) {
        #expect(AWSTimestamp.parse(text)?.timeIntervalSince1970 == seconds)
    }

    @Test func momentsAreWritten() {
        #expect(AWSTimestamp.text(Date(timeIntervalSince1970: 1_800_000_000)) == "2027-01-15T08:00:00Z")
    }

    private static let services = """
        [default]
        region = eu-west-1
        services = local
        endpoint_url = http://profile:1/
        [profile legacy]
        sts_regional_endpoints = legacy
        [profile fips]
        use_fips_endpoint = true
        [services local]
        bedrock_runtime =
          endpoint_url = http://service:2
        """

    /// As boto3 chose for the same (deploy/lab/check-credentials).
    @Test(
        arguments: [
            (AWSEndpoint.Service.bedrockRuntime, nil, "eu-west-1", [:], "http://service:2", "eu-west-1"),
            (.sts, nil, "eu-west-1", [:], "http://profile:1", "eu-west-1"),
            (.bedrockRuntime, nil, "r", ["AWS_ENDPOINT_URL": "http://all:3"], "http://all:3", "r"),
            (
                .sts, nil, "r", ["AWS_ENDPOINT_URL": "http://all:3", "AWS_ENDPOINT_URL_STS": "http://s:4"],
                "http://s:4", "r"
            ),
            (
                .sts, nil, "eu-west-1", ["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"],
                "https://sts.eu-west-1.amazonaws.com", "eu-west-1"
            ),
            (.sts, "legacy", "eu-west-1", [:], "https://sts.amazonaws.com", "us-east-1"),
            (
                .sts, "legacy", "eu-west-1", ["AWS_STS_REGIONAL_ENDPOINTS": "regional"],
                "https://sts.eu-west-1.amazonaws.com", "eu-west-1"
            ),
            (.sts, "legacy", "eu-central-2", [:], "https://sts.eu-central-2.amazonaws.com", "eu-central-2"),
            (.sts, "legacy", nil, [:], "https://sts.amazonaws.com", "us-east-1"),
            (.sts, "fips", "us-east-1", [:], "https://sts-fips.us-east-1.amazonaws.com", "us-east-1"),
            (.sts, "fips", "us-gov-west-1", [:], "https://sts.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
            (
                .bedrockRuntime, "legacy", "cn-north-1", [:], "https://bedrock-runtime.cn-north-1.amazonaws.com.cn",
                "cn-north-1"
            ),
            (
                .bedrockRuntime, "legacy", "eu-west-1", ["AWS_USE_DUALSTACK_ENDPOINT": "true"],
                "https://bedrock-runtime.eu-west-1.api.aws", "eu-west-1"
            ),
        ] as [(AWSEndpoint.Service, String?, String?, [String: String], String, String)])
    func endpointsAreThoseThatAreConfiguredElseAWSsOwn(
        service: AWSEndpoint.Service, profile: String?, region: String?, variables: [String: String], url: String,
        signed: String
    ) throws {
        let world = CredentialsWorld(config: Self.services, variables: variables)
        let store = world.store
        let endpoint = try store.endpoint(service, profile: profile, region: region)
        #expect(endpoint?.url == url)
        #expect(endpoint?.region == signed)
    }

    @Test(arguments: [
        "r-1 ; no", "a/b", "evil.example", "-r", "r-", "1", "r@h", "ü-1", String(repeating: "r", count: 64),
    ])
    func aRegionThatIsNoneGetsNowhere(region: String) async throws {
        let keys = "aws_access_key_id = A\naws_secret_access_key = s\n"
        let world = CredentialsWorld(credentials: "[p]\nrole_arn = r\nsource_profile = base\n[base]\n" + keys)
        let failure = #expect(throws: CredentialFailure.self) {
            try world.store.endpoint(.bedrockRuntime, profile: "p", region: region)
        }
        #expect(failure?.kind == .misconfigured)
        await #expect(throws: CredentialFailure.self) { try await world.credentials("p", region: region) }
        #expect(world.requests.isEmpty)
    }

    @Test(
        arguments: [
            ("[profile p]\nregion = a\n", nil, [:], "p", "a"),
            ("[profile \"p q\"]\nregion = a\n", nil, [:], "p q", "a"),
            ("[p]\nregion = a\n[profile p]\n", nil, [:], "p", nil), ("[default]\nregion = a\n", nil, [:], nil, "a"),
            ("[default]\nregion = a\n[profile p]\n", nil, [:], "p", nil),
            ("[profile p]\nregion = a\n", "[p]\nregion = b\n", [:], "p", "b"),
            ("[default]\nregion = a\n[profile p]\nregion = b\n", nil, ["AWS_PROFILE": "p"], nil, "b"),
            ("[default]\nregion = a\n[profile p]\nregion = b\n", nil, ["AWS_PROFILE": "p"], "default", "a"),
            (
                "[profile p]\nregion = b\n[profile q]\n", nil, ["AWS_PROFILE": "q", "AWS_DEFAULT_PROFILE": "p"], nil,
                "b"
            ),
        ] as [(String, String?, [String: String], String?, String?)])
    func regionsAreTheProfiles(
        config: String, credentials: String?, variables: [String: String], profile: String?, region: String?
    ) throws {
        let world = CredentialsWorld(config: config, credentials: credentials, variables: variables)
        let store = world.store
        #expect(try store.region(profile: profile) == region)
    }

    @Test(arguments: [
        (["AWS_CONFIG_FILE": "~/c"], "/home/u/c"), (["AWS_CONFIG_FILE": "$HOME/c"], "/home/u/c"),
        (["AWS_CONFIG_FILE": "/x/${A}b", "A": "a"], "/x/ab"), (["HOME": "/h"], "/h/.aws/config"),
        (["AWS_CONFIG_FILE": "/$NO/c"], "/$NO/c"),
    ])
    func filesAreWhereTheEnvironmentSays(variables: [String: String], path: String) throws {
        let world = CredentialsWorld(variables: variables, files: [path: "[default]\nregion = here\n"])
        let store = world.store
        #expect(try store.region(profile: nil) == "here")
    }
}

import Foundation
import Node
import Testing

/// Programs, containers and instances.
struct CredentialsServicesTests {
    private static let written = #"{"Version": 1, "AccessKeyId": "AKIDP", "SecretAccessKey": "s", "SessionToken": "t"}"#

    @Test func aProgramIsRunWithoutAShell() async throws {
        let world = CredentialsWorld(
            config: "[default]\ncredential_process = vault \"$(id)\" 'a b' ; rm\n",
            output: { _ in .init(exit: .exited(0), output: Array(Self.written.utf8)) })
        let found = try await world.credentials(nil)
        #expect(found == AWSCredentials(accessKey: "AKIDP", secretKey: "s", sessionToken: "t"))
        #expect(world.commands == [["vault", "$(id)", "a b", ";", "rm"]])
    }

    @Test(arguments: [
        (0, #"{"Version": 1, "AccessKeyId": "hidden"}"#, "no SecretAccessKey"),
        (0, #"{"Version": 2, "AccessKeyId": "hidden", "SecretAccessKey": "hidden"}"#, "another version than 1"),
        (0, "hidden", "no JSON object"), (1, "hidden", "exit code 1"),
        (
            0,
            #"{"Version": 1, "AccessKeyId": "hidden", "SecretAccessKey": "s", "Expiration": "2027-01-15T08:00:00Z"}"#,
            "have expired"
        ),
        (0, #"{"Version": 1, "AccessKeyId": "hidden", "SecretAccessKey": "s", "Expiration": "soon"}"#, "no time"),
    ])
    func aProgramThatFailsIsNamed(code: Int32, output: String, words: String) async throws {
        let world = CredentialsWorld(
            config: "[default]\ncredential_process = /opt/vault x\n",
            output: { _ in .init(exit: .exited(code), output: Array(output.utf8)) })
        let failure = try #require(await world.failure(nil))
        #expect(failure.kind == .refused)
        #expect(failure.reason.contains("(vault)"))
        #expect(failure.reason.contains(words), "\(failure.reason)")
        #expect(!failure.description.contains("hidden"))
    }

    @Test func aProgramOfThisHostSpeaksThroughPipes() async throws {
        let host = AWSSurroundings.host(environment: ["PATH": "/usr/bin:/bin"])
        let result = try #require(await host.run(["sh", "-c", "echo said; echo told >&2; cat; exit 7"]))
        #expect(result.exit == .exited(7))
        #expect(String(decoding: result.output, as: UTF8.self) == "said\n")
        #expect(String(decoding: result.errors, as: UTF8.self) == "told\n")
        let much = try #require(await host.run(["head", "-c", "300000", "/dev/zero"]))
        #expect(much.output.count == 300_000)
        #expect(await host.run(["llmstack-no-such-program"]) == nil)
        #expect(await host.run([]) == nil)
    }

    @Test func filesOfThisHostHaveStampsThatChange() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("llmstack-\(UUID().uuidString)")
            .path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let host = AWSSurroundings.host(environment: [:])
        let path = "\(directory)/cache/file"
        #expect(host.stamp(path) == nil)
        #expect(host.contents(path) == nil)
        #expect(host.save(Array("one".utf8), path))
        let first = try #require(host.stamp(path))
        #expect(host.stamp(path) == first)
        #expect(host.save(Array("two".utf8), path))
        #expect(host.stamp(path) != first)
        #expect(host.contents(path) == Array("two".utf8))
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    private static let lent =
        #"{"AccessKeyId": "AKIDC", "SecretAccessKey": "s", "Token": "t", "Expiration": "2027-01-15T09:00:00Z"}"#

    @Test(
        arguments: [
            (["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x?id=1"], "http://169.254.170.2/v2/x?id=1", true, nil),
            (["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost:80/c"], "http://localhost:80/c", true, nil),
            (["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.1.2.3/c"], "http://127.1.2.3/c", true, nil),
            (["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://[::1]:9/c"], "http://[::1]:9/c", true, nil),
            (["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://[fd00:ec2::23]/c"], "http://[fd00:ec2::23]/c", true, nil),
            (["AWS_CONTAINER_CREDENTIALS_FULL_URI": "https://far.example/c"], "https://far.example/c", false, nil),
            (
                [
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1",
                    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "tok",
                ],
                "http://169.254.170.23/v1", true, "authorization: tok"
            ),
            (
                [
                    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "tok",
                    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/t",
                ], "http://169.254.170.2/x", true, "authorization: of file"
            ),
        ] as [([String: String], String, Bool, String?)])
    func aContainersServiceIsAsked(
        variables: [String: String], url: String, isDirect: Bool, authorization: String?
    ) async throws {
        let world = CredentialsWorld(
            variables: variables, files: ["/t": "of file\n"],
            answer: { (_, _) async throws(CurlFailure) in .text(Self.lent) })
        #expect(try await world.credentials(nil).accessKey == "AKIDC")
        let request = try #require(world.requests.first)
        #expect(request.url == url)
        #expect(request.isDirect == isDirect)
        #expect(request.headers == ["accept: application/json"] + (authorization.map { [$0] } ?? []))
    }

    @Test(arguments: [
        (["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://far.example/c"], "only over HTTPS"),
        (["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1.far.example/c"], "only over HTTPS"),
        (["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1@far.example/c"], "only over HTTPS"),
        (["AWS_CONTAINER_CREDENTIALS_FULL_URI": "file:///etc/passwd"], "only over HTTPS"),
        (["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "@far.example/c"], "only over HTTPS"),
        (
            ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/c", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\nb: c"],
            "line break"
        ),
        (["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/c", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/no"], "/no"),
    ])
    func aContainersServiceElsewhereIsNotAsked(variables: [String: String], words: String) async throws {
        let world = CredentialsWorld(variables: variables)
        let failure = try #require(await world.failure(nil))
        #expect(failure.kind == .misconfigured)
        #expect(failure.reason.contains(words), "\(failure.reason)")
        #expect(world.requests.isEmpty)
    }

    /// An instance with the role r. `lease` is the status of the token's request.
    private static func instance(lease: Int, variables: [String: String] = [:], expiration: String) -> CredentialsWorld
    {
        CredentialsWorld(
            variables: variables,
            answer: { (request, _) async throws(CurlFailure) in
                let isLeased = request.headers.contains("x-aws-ec2-metadata-token: lease")
                switch (request.method, request.url) {
                case ("PUT", "http://169.254.169.254/latest/api/token"): return .text("lease", status: lease)
                case (nil, _) where isLeased != (lease == 200): return .text("", status: 401)
                case (nil, "http://169.254.169.254/latest/meta-data/iam/security-credentials/"): return .text("r\n")
                case (nil, "http://169.254.169.254/latest/meta-data/iam/security-credentials/r"):
                    return .text(
                        #"{"Code": "Success", "AccessKeyId": "AKIDI", "SecretAccessKey": "s", "Token": "t", "#
                            + "\"Expiration\": \"\(expiration)\"}")
                default: return .text("", status: 404)
                }
            })
    }

    @Test(
        arguments: [
            (200, [:], true), (404, [:], true), (404, ["AWS_EC2_METADATA_V1_DISABLED": "true"], false),
            (400, [:], false), (200, ["AWS_EC2_METADATA_DISABLED": "TRUE"], false),
        ] as [(Int, [String: String], Bool)])
    func anInstanceLendsItsRole(lease: Int, variables: [String: String], isFound: Bool) async throws {
        let world = Self.instance(lease: lease, variables: variables, expiration: "2027-01-15T14:00:00Z")
        guard isFound else {
            #expect(await world.failure(nil)?.kind == CredentialFailure.Kind.none)
            return
        }
        let found = try await world.credentials(nil)
        #expect(found.accessKey == "AKIDI")
        #expect(found.expiration == world.now.addingTimeInterval(6 * 3600))
        #expect(world.requests.allSatisfy { $0.isDirect && $0.timeout == .seconds(1) })
    }

    @Test func anInstancesCredentialsThatAWSCannotRenewHoldOn() async throws {
        let world = Self.instance(lease: 200, expiration: "2027-01-15T07:00:00Z")
        #expect(try await world.credentials(nil).expiration == world.now.addingTimeInterval(1200))
    }

    @Test func whereNobodyAnswersThereIsNoInstanceAfterOneAttempt() async throws {
        let world = CredentialsWorld()
        #expect(await world.failure(nil)?.kind == CredentialFailure.Kind.none)
        #expect(world.requests.count == 1)
    }

    @Test func whatAWSLoginHasKeptIsUsedUntilItEnds() async throws {
        // By `printf %s arn:aws:iam::1:user/me | sha256sum`.
        let file = "/home/u/.aws/login/cache/da19974a351c10e6ddab0fe8d7b1fb3a289211121e24f211c7eb19ed08e30e3a.json"
        let world = CredentialsWorld(
            config: "[default]\nlogin_session = arn:aws:iam::1:user/me\n",
            files: [
                file: """
                {"accessToken": {"accessKeyId": "AKIDL", "secretAccessKey": "s", "sessionToken": "t",
                 "accountId": "1", "expiresAt": "2027-01-15T08:15:00Z"}, "refreshToken": "r"}
                """
            ])
        #expect(try await world.credentials(nil).accessKey == "AKIDL")
        world.advance(900)
        let failure = try #require(await world.failure(nil))
        #expect(failure.kind == .loginNeeded)
        #expect(failure.fix.contains("aws login --profile default"))
    }
}

import Foundation
import Node
import Testing

struct RequestSignerTests {
    @Test(arguments: SignatureVector.all)
    func publishedVectorsHaveTheirSignatures(_ vector: SignatureVector) throws {
        let signer = RequestSigner(
            credentials: AWSCredentials(
                accessKey: "AKIDEXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                sessionToken: vector.token),
            region: "us-east-1", service: "service")
        let request = RequestSigner.Request(
            method: vector.method, host: "example.amazonaws.com", path: vector.path,
            query: vector.query.map { ($0[0], $0[1]) }, headers: vector.headers.map { ($0[0], $0[1]) },
            payloadHash: RequestSigner.payloadHash(of: Array(vector.body.utf8)))
        let headers = signer.sign(request, at: Date(timeIntervalSince1970: 1_440_938_160))
        #expect(headers.first { $0.name == "x-amz-date" }?.value == "20150830T123600Z")
        #expect(headers.first { $0.name == "x-amz-security-token" }?.value == vector.token)
        #expect(
            headers.first { $0.name == "authorization" }?.value
                == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                + "SignedHeaders=\(vector.signed), Signature=\(vector.signature)")
    }

    /// By `date -u -d @N +%Y%m%dT%H%M%SZ`.
    @Test(arguments: [
        (0.0, "19700101T000000Z"), (-1, "19691231T235959Z"), (951_782_399.9, "20000228T235959Z"),
        (951_782_400, "20000229T000000Z"), (1_709_251_199, "20240229T235959Z"), (1_709_251_200, "20240301T000000Z"),
        (4_107_542_399, "21000228T235959Z"), (4_107_542_400, "21000301T000000Z"),
        (1e300, "99991231T235959Z"), (-1e300, "00010101T000000Z"),
    ])
    func momentsAreWrittenInUTC(seconds: Double, stamp: String) {
        #expect(SigningDate(Date(timeIntervalSince1970: seconds)).stamp == stamp)
    }

    @Test func s3SignsThePathAsItIsOnTheWire() {
        let credentials = AWSCredentials(accessKey: "A", secretKey: "s")
        func signature(_ service: String, _ path: String) -> String? {
            RequestSigner(credentials: credentials, region: "r", service: service)
                .sign(
                    .init(method: "GET", host: "h", path: path, payloadHash: RequestSigner.payloadHash(of: [UInt8]())),
                    at: Date(timeIntervalSince1970: 0)
                )
                .last?.value
        }
        #expect(signature("s3", "/a//b") != signature("s3", "/a/b"))
        #expect(signature("bedrock", "/a//b") == signature("bedrock", "/a/b"))
    }

    @Test func theSecretIsInNoDescription() {
        let credentials = AWSCredentials(accessKey: "AKID", secretKey: "very-secret", sessionToken: "token-secret")
        let signer = RequestSigner(credentials: credentials, region: "eu-central-1", service: "bedrock")
        var dumped = ""
        dump(signer, to: &dumped)
        for text in [
            "\(credentials)", String(reflecting: credentials), "\(signer)", String(reflecting: signer), dumped,
        ] {
            #expect(text.contains("AKID"))
            #expect(!text.contains("secret"))
        }
    }
}

import Crypto
import Foundation
import SwiftASN1
import Testing
import Trust
import X509

/// What others make of our certificates: OpenSSL's strict verification is what curl and Python's newest ask for.
@Suite(.enabled(if: OpenSSL.path != nil, "openssl is not installed: nothing here was tried"))
struct OpenSSLTests {
    private let cluster: TestCluster
    private let openSSL: OpenSSL
    private let now = Date()

    init() throws {
        cluster = try TestCluster(domain: "team.example", now: now)
        openSSL = try OpenSSL(authority: cluster.authority.certificatePEM)
    }

    @Test("A leaf passes OpenSSL's strict verification, by name and by address", arguments: ["box", "box.v2"])
    func accepted(_ name: String) throws {
        let leaf = try cluster.signed(
            name: name, dnsNames: ["studio.local", "box.team.example"], addresses: ["192.168.1.7", "fd00::7"], now: now)
        for check in [
            [], ["-purpose", "sslserver"], ["-purpose", "sslclient"], ["-verify_hostname", "studio.local"],
            ["-verify_hostname", "box.team.example"], ["-verify_ip", "192.168.1.7"], ["-verify_ip", "fd00::7"],
        ] {
            let said = try openSSL.verify(leaf.certificatePEM, check)
            #expect(said.accepted, "\(check): \(said.text)")
        }
        #expect(try !openSSL.verify(leaf.certificatePEM, ["-verify_hostname", "example.com"]).accepted)
    }

    @Test("So does a leaf without DNS names, whatever its node is called", arguments: ["box", "box.v2", "box.local"])
    func nameless(_ name: String) throws {
        let leaf = try cluster.signed(name: name, dnsNames: ["foreign.example.com"], addresses: [], now: now)
        let said = try openSSL.verify(leaf.certificatePEM, [])
        #expect(said.accepted, "\(said.text)")
    }

    @Test("The authority is one by strict rules")
    func authority() throws {
        let said = try openSSL.verify(cluster.authority.certificatePEM, [])
        #expect(said.accepted, "\(said.text)")
    }

    @Test("OpenSSL, too, refuses a foreign name that the authority's key signed")
    func foreignNames() throws {
        for name: GeneralName in [.dnsName("example.com"), address(8, 8, 8, 8)] {
            let leaf = try cluster.handMade([name, cluster.uri], now: now).serializeAsPEM().pemString
            let said = try openSSL.verify(leaf, [])
            #expect(!said.accepted)
            #expect(said.text.contains("permitted subtree violation"), "\(said.text)")
        }
        // The same by its own rules is accepted: it is the name that is refused.
        let leaf = try cluster.handMade([.dnsName("studio.local"), cluster.uri], now: now).serializeAsPEM().pemString
        #expect(try openSSL.verify(leaf, []).accepted)
    }

    @Test("OpenSSL takes another authority's leaf for nobody's")
    func foreign() throws {
        let leaf = try TestCluster("zzzzzzzz12345678", now: now).signed(now: now)
        #expect(try !openSSL.verify(leaf.certificatePEM, []).accepted)
    }

    @Test("The pin is that of the public key as OpenSSL writes it")
    func pin() throws {
        let said = try openSSL.run([
            "x509", "-in", openSSL.authority, "-noout", "-pubkey",
        ])
        let key = try PEMDocument(pemString: said.text)
        #expect(Array(SHA256.hash(data: key.derBytes)) == cluster.authority.pin.bytes)
    }
}

/// The command, in a directory of its own.
private final class OpenSSL {
    static let path = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
        .map { "\($0)/openssl" }.first { FileManager.default.isExecutableFile(atPath: $0) }

    let authority: String
    private let directory: URL

    init(authority pem: String) throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("trust-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        authority = directory.appendingPathComponent("ca.pem").path
        try pem.write(toFile: authority, atomically: true, encoding: .utf8)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    func verify(_ pem: String, _ checks: [String]) throws -> (accepted: Bool, text: String) {
        let leaf = directory.appendingPathComponent("leaf.pem").path
        try pem.write(toFile: leaf, atomically: true, encoding: .utf8)
        return try run(["verify", "-x509_strict", "-CAfile", authority] + checks + [leaf])
    }

    func run(_ arguments: [String]) throws -> (accepted: Bool, text: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(Self.path))
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus == 0, String(decoding: data, as: UTF8.self))
    }
}

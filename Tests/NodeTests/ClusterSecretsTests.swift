import Cluster
import Foundation
import Node
import Synchronization
import Testing
import Trust

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

struct ClusterSecretsTests {
    private static let id = ClusterID("abcdefgh12345678")
    private static let identity = ClusterIdentity(id: id, name: "team", security: .open)
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    private let scratch: Scratch
    private let files: ClusterFiles
    private let secrets: ClusterSecrets

    init() throws {
        scratch = try Scratch()
        files = ClusterFiles(environment: ["HOME": scratch.path])
        secrets = try ClusterSecrets(configuration: files.configuration, cluster: Self.id)
    }

    private func mode(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    private func failure(_ body: () throws -> Void) -> SecretsFailure? {
        do {
            try body()
            return nil
        } catch { return error as? SecretsFailure }
    }

    private static func authority() throws -> ClusterAuthority {
        try ClusterAuthority.create(identity, domain: nil, now: now)
    }

    // MARK: Reading and writing

    @Test("Every file is its owner's alone, in a directory that is, whatever the umask says")
    func modes() throws {
        for file in ClusterSecrets.File.allCases {
            #expect(try secrets.text(file) == nil)
            try secrets.write("x", to: file)
            #expect(try mode(secrets.path(file)) == 0o600)
            #expect(try secrets.text(file) == "x")
        }
        #expect(try mode(secrets.path) == 0o700)
        #expect(secrets.path == "\(files.configuration)/\(Self.id)")
        let left = try FileManager.default.contentsOfDirectory(atPath: secrets.path).sorted()
        #expect(left == ClusterSecrets.File.allCases.map(\.rawValue).sorted())
    }

    @Test("Certificates and keys come back as they were kept")
    func values() throws {
        #expect(try secrets.authority() == nil && secrets.verifier() == nil)
        #expect(try secrets.leafKey() == nil && secrets.clientKey() == nil)
        let (authority, leafKey, clientKey) = (try Self.authority(), LeafKey(), ClientKey())
        try secrets.write(authority)
        try secrets.write(leafKey.pem, to: .leafKey)
        try secrets.write(clientKey)
        #expect(try secrets.authority()?.pin == authority.pin)
        #expect(try secrets.verifier()?.pin == authority.pin)
        #expect(try secrets.leafKey()?.pem == leafKey.pem)
        #expect(try secrets.clientKey() == clientKey)
        #expect(try secrets.presented() == nil)
        try secrets.write("leaf\n", to: .leaf)
        #expect(try secrets.presented()?.chainPEM == "leaf\n" + authority.certificatePEM)
        #expect(try secrets.presented()?.keyPEM == leafKey.pem)
        try secrets.remove(.authorityKey)
        #expect(try secrets.authority() == nil)
        #expect(try secrets.verifier() != nil)
    }

    private static func leaf(of key: LeafKey, by authority: ClusterAuthority) throws -> String {
        let request = try LeafRequest(
            certificateRequest: key.certificateRequest(name: "box"), name: "box", dnsNames: [], addresses: [])
        let identity = PeerIdentity(cluster: id, node: NodeID("nodebox0"), role: .node)
        return try authority.sign(request, identity: identity, now: now).certificatePEM
    }

    @Test("A leaf has its key, wherever putting both in place ends")
    func leafAndKey() throws {
        let authority = try Self.authority()
        try secrets.write(authority)
        let (first, second, third) = (LeafKey(), LeafKey(), LeafKey())
        try secrets.write(Self.leaf(of: first, by: authority), of: first)
        #expect(try secrets.text(.leafKey) == first.pem && secrets.text(.nextLeafKey) == nil)
        // As a crash before the leaf leaves it, and one after it.
        try secrets.write(second.pem, to: .nextLeafKey)
        #expect(try secrets.leafKey()?.pem == first.pem && secrets.presented()?.keyPEM == first.pem)
        try secrets.write(Self.leaf(of: second, by: authority), to: .leaf)
        #expect(try secrets.leafKey()?.pem == second.pem && secrets.presented()?.keyPEM == second.pem)
        try secrets.write(Self.leaf(of: third, by: authority), of: third)
        #expect(try secrets.text(.leafKey) == third.pem && secrets.text(.nextLeafKey) == nil)
    }

    @Test("A leaf that cannot be written leaves the key of the one that is there")
    func leafThatIsNotWritten() throws {
        let authority = try Self.authority()
        let (first, second) = (LeafKey(), LeafKey())
        try secrets.write(Self.leaf(of: first, by: authority), of: first)
        let leaf = secrets.path(.leaf)
        try FileManager.default.moveItem(atPath: leaf, toPath: "\(leaf).kept")
        try FileManager.default.createDirectory(atPath: leaf, withIntermediateDirectories: false)
        #expect(failure { try secrets.write(Self.leaf(of: second, by: authority), of: second) } != nil)
        try FileManager.default.removeItem(atPath: leaf)
        try FileManager.default.moveItem(atPath: "\(leaf).kept", toPath: leaf)
        #expect(try secrets.leafKey()?.pem == first.pem)
    }

    @Test("An invitation book comes back as it was kept")
    func book() throws {
        var book = InvitationBook()
        book.invite(.node, name: "box", hash: SecretDigest(of: "secret"), now: Self.now + 0.123)
        try secrets.write(book, as: .invitations)
        #expect(try secrets.value(InvitationBook.self, of: .invitations) == book)
        #expect(try secrets.value(InvitationBook.self, of: .access) == nil)
    }

    @Test("Damaged files are named, with what to do, and nothing of them is shown")
    func damaged() throws {
        try secrets.write("hush", to: .authority)
        try secrets.write("hush", to: .authorityKey)
        try secrets.write("hush", to: .leafKey)
        try secrets.write("hush", to: .clientKey)
        try secrets.write("hush", to: .invitations)
        for (file, read) in [
            (.authority, { _ = try secrets.authority() }), (.authority, { _ = try secrets.verifier() }),
            (.leafKey, { _ = try secrets.leafKey() }), (.clientKey, { _ = try secrets.clientKey() }),
            (.invitations, { _ = try secrets.value(InvitationBook.self, of: .invitations) }),
        ] as [(ClusterSecrets.File, () throws -> Void)] {
            let error = failure(read)
            if file != .authority { #expect(error?.description.hasPrefix(secrets.path(file)) == true) }
            #expect(error?.reason == .damaged)
            #expect(error?.description.contains("\n  fix: ") == true)
            #expect(error?.description.contains("hush") == false)
        }
    }

    @Test("Another cluster's authority in the directory is refused")
    func otherAuthority() throws {
        let other = ClusterIdentity(id: ClusterID("zzzzzzzz12345678"), name: "team", security: .open)
        try secrets.write(ClusterAuthority.create(other, domain: nil, now: Self.now))
        #expect(failure { _ = try secrets.verifier() }?.reason == .damaged)
        #expect(failure { _ = try secrets.authority() }?.reason == .damaged)
    }

    @Test("A cluster's id never leads out of the directory", arguments: ["", "..", "../../etc", "a/b/c/d/e", "short"])
    func ids(_ id: String) {
        #expect(throws: SecretsFailure.self) {
            try ClusterSecrets(configuration: files.configuration, cluster: ClusterID(id))
        }
    }

    // MARK: What others could have touched

    @Test(
        "A file that others may read or write is refused, with the chmod to run",
        arguments: [
            0o640, 0o604, 0o620, 0o602, 0o644, 0o666, 0o601,
        ])
    func looseFile(_ mode: Int) throws {
        try secrets.write("x", to: .leafKey)
        let path = secrets.path(.leafKey)
        #expect(chmod(path, mode_t(mode)) == 0)
        let error = failure { _ = try secrets.text(.leafKey) }
        #expect(error?.reason == .loose)
        #expect(error?.description.contains("\n  fix: chmod 600 \(path)") == true)
        #expect(chmod(path, 0o600) == 0)
        #expect(try secrets.text(.leafKey) == "x")
    }

    @Test("So is everything in a directory that others may enter", arguments: [0o750, 0o705, 0o770, 0o777, 0o710])
    func looseDirectory(_ mode: Int) throws {
        try secrets.write("x", to: .leafKey)
        #expect(chmod(secrets.path, mode_t(mode)) == 0)
        for error in [
            failure { _ = try secrets.text(.leafKey) }, failure { try secrets.write("y", to: .leafKey) },
            failure { try secrets.remove(.leafKey) },
        ] {
            #expect(error?.reason == .loose)
            #expect(error?.description.contains("\n  fix: chmod 700 \(secrets.path)") == true)
        }
        #expect(chmod(secrets.path, 0o700) == 0)
        #expect(try secrets.text(.leafKey) == "x")
    }

    @Test("Links are not followed, for a file or for the directory, nor is a pipe waited for")
    func links() throws {
        try secrets.write("x", to: .leafKey)
        let path = secrets.path(.leaf)
        #expect(symlink(secrets.path(.leafKey), path) == 0)
        #expect(failure { _ = try secrets.text(.leaf) }?.reason == .wrongKind)
        #expect(unlink(path) == 0 && mkfifo(path, 0o600) == 0)
        #expect(failure { _ = try secrets.text(.leaf) }?.reason == .wrongKind)

        let moved = "\(scratch.path)/elsewhere"
        try FileManager.default.moveItem(atPath: secrets.path, toPath: moved)
        #expect(symlink(moved, secrets.path) == 0)
        #expect(failure { _ = try secrets.text(.leafKey) }?.reason == .wrongKind)
        #expect(failure { try secrets.write("y", to: .leafKey) }?.reason == .wrongKind)
    }

    @Test("Writing replaces a link and does not write through it")
    func writesNoLink() throws {
        try secrets.write("x", to: .leafKey)
        try scratch.put("untouched", "target")
        let target = "\(scratch.path)/target"
        #expect(symlink(target, secrets.path(.leaf)) == 0)
        try secrets.write("y", to: .leaf)
        #expect(try secrets.text(.leaf) == "y")
        #expect(try String(contentsOfFile: target, encoding: .utf8) == "untouched")
    }

    @Test(
        "Another user's files and directory are refused, with the chown to run",
        .enabled(if: geteuid() == 0, "only root can give files away"))
    func foreignOwner() throws {
        try secrets.write("x", to: .leafKey)
        for path in [secrets.path(.leafKey), secrets.path] {
            #expect(chown(path, 65534, gid_t.max) == 0)
            let error = failure { _ = try secrets.text(.leafKey) }
            #expect(error?.reason == .foreignOwner)
            #expect(error?.description.contains("chown \"$(id -un)\" \(path)") == true)
            #expect(chown(path, 0, gid_t.max) == 0)
        }
        #expect(try secrets.text(.leafKey) == "x")
    }

    @Test("Paths in a fix are words of a shell")
    func quoting() throws {
        let secrets = try ClusterSecrets(configuration: "\(scratch.path)/it's here", cluster: Self.id)
        try secrets.write("x", to: .leafKey)
        #expect(chmod(secrets.path(.leafKey), 0o644) == 0)
        let error = failure { _ = try secrets.text(.leafKey) }
        #expect(error?.description.hasSuffix("chmod 600 '\(scratch.path)/it'\\''s here/\(Self.id)/node.key'") == true)
    }

    @Test("Leaving removes everything")
    func removeAll() throws {
        #expect(try !secrets.removeAll())
        try secrets.write(Self.authority())
        #expect(try secrets.removeAll())
        #expect(!FileManager.default.fileExists(atPath: secrets.path))
        #expect(try secrets.authority() == nil)
    }

    // MARK: The lock

    @Test("What many change at once is changed by one at a time")
    func lock() async throws {
        let secrets = secrets
        let inside = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    try await secrets.withLock { secrets in
                        #expect(inside.value.add(1, ordering: .relaxed).newValue == 1)
                        let count = try secrets.value(Int.self, of: .access) ?? 0
                        try secrets.write(count + 1, as: .access)
                        inside.value.subtract(1, ordering: .relaxed)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try secrets.value(Int.self, of: .access) == 20)
    }

    @Test("Who waits too long for the lock is told so")
    func locked() async throws {
        let secrets = secrets
        try secrets.write("1", to: .access)
        let held = try #require(FileLock.tryTaking(secrets.path))
        let error = await #expect(throws: SecretsFailure.self) {
            try await secrets.withLock(limit: .milliseconds(1)) { _ in }
        }
        #expect(error?.reason == .locked)
        withExtendedLifetime(held) {}
    }

    // MARK: Backup

    @Test("A backup brings everything but the invitations to a new host")
    func backup() throws {
        let (authority, key) = (try Self.authority(), LeafKey())
        try secrets.write(authority)
        try secrets.write(key.pem, to: .leafKey)
        try secrets.write("{\"keys\":[]}\n", to: .access)
        try secrets.write(InvitationBook(), as: .invitations)
        let sealed = try ClusterBackup.pack(secrets, identity: Self.identity, passphrase: "correct horse")

        let elsewhere = ClusterFiles(environment: ["HOME": "\(scratch.path)/other"])
        #expect(throws: SealedBackup.Failure.wrongPassphrase) {
            try ClusterBackup.restore(sealed, passphrase: "wrong", to: elsewhere)
        }
        #expect(try ClusterBackup.restore(sealed, passphrase: "correct horse", to: elsewhere) == Self.identity)
        let restored = try ClusterSecrets(configuration: elsewhere.configuration, cluster: Self.id)
        #expect(try restored.authority()?.pin == authority.pin)
        #expect(try restored.leafKey()?.pem == key.pem)
        #expect(try restored.text(.access) == "{\"keys\":[]}\n")
        #expect(try restored.text(.invitations) == nil)
        #expect(try restored.text(.clientKey) == nil)
        #expect(try mode(restored.path(.authorityKey)) == 0o600)
        #expect(try elsewhere.cluster() == nil)
    }

    @Test("A restore mends a damaged cluster and replaces no other")
    func restore() throws {
        let authority = try Self.authority()
        try secrets.write(authority)
        let sealed = try ClusterBackup.pack(secrets, identity: Self.identity, passphrase: "x")
        try files.setCluster(Self.identity)
        try secrets.write("damaged", to: .authority)
        _ = try ClusterBackup.restore(sealed, passphrase: "x", to: files)
        #expect(try secrets.authority()?.pin == authority.pin)

        let other = try Self.authority()
        try secrets.write(other)
        #expect(failure { _ = try ClusterBackup.restore(sealed, passphrase: "x", to: files) }?.reason == .occupied)
        #expect(try secrets.authority()?.pin == other.pin)

        let another = ClusterIdentity(id: ClusterID("zzzzzzzz12345678"), name: "other", security: .open)
        try files.setCluster(another)
        try secrets.removeAll()
        #expect(failure { _ = try ClusterBackup.restore(sealed, passphrase: "x", to: files) }?.reason == .occupied)
        #expect(try !secrets.removeAll())
    }

    @Test("Sealed bytes that are no cluster are no backup")
    func noBackup() throws {
        let sealed = try SealedBackup.seal(Array("{}".utf8), passphrase: "x")
        #expect(throws: SealedBackup.Failure.noBackup) {
            try ClusterBackup.restore(sealed, passphrase: "x", to: files)
        }
    }
}

/// How many are at it, counted by several tasks.
private final class Counter: Sendable {
    let value = Atomic(0)
}

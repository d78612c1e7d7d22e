import ArgumentParser
import Cluster
import Foundation
import Node
import Trust

extension ClusterVerb {
    private static let passphraseVariable = "LLMSTACK_BACKUP_PASSPHRASE"

    /// Characters of a new passphrase.
    private static let shortest = 8

    private static var givenPassphrase: String? { ProcessInfo.processInfo.environment[passphraseVariable] }

    fileprivate static func passphrase(_ prompt: String) throws -> String {
        try SecretInput.read(
            givenPassphrase, prompt: prompt, missing: "there is no passphrase",
            fix: "type one, pipe it in, or set \(passphraseVariable)")
    }

    /// Where it is typed, it is typed twice: what a slip seals, nobody opens.
    fileprivate static func newPassphrase() throws -> String {
        let phrase = try passphrase("passphrase for the backup")
        guard phrase.count >= shortest else {
            throw StackFailure(
                "the passphrase has fewer than \(shortest) characters, and nothing was written",
                advice: "fix: take a longer one, such as four words: who gets the file may try very many")
        }
        guard try !SecretInput.isTyped(givenPassphrase) || passphrase("the same again") == phrase else {
            throw StackFailure(
                "the second passphrase is another, and nothing was written",
                advice: "next: llmstack cluster backup, and type the same twice")
        }
        return phrase
    }

    struct Backup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write what this host knows of its cluster to a file, under a passphrase.",
            discussion: """
                An issuer's holds the cluster's authority: with it and its passphrase, a cluster whose issuers were lost \
                goes on. The passphrase is asked for, read from standard input, or taken from LLMSTACK_BACKUP_PASSPHRASE; \
                it has 8 characters or more.
                """)

        @Argument(help: "The file to write; it must not be there yet.", completion: .file())
        var file: String

        func run() async throws {
            let keyed = try KeyedContext()
            guard !FileManager.default.fileExists(atPath: file) else {
                throw StackFailure("\(file) is there already", advice: "fix: name a new file")
            }
            let place = URL(fileURLWithPath: file)
            let folder = place.deletingLastPathComponent().path
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
                throw StackFailure(
                    "there is no directory \(folder)", advice: "fix: make it, or name a file in one that is there")
            }
            let isIssuer = try keyed.desk.isIssuer()
            let phrase = try ClusterVerb.newPassphrase()
            let sealed = try ClusterBackup.pack(keyed.desk.secrets, identity: keyed.identity, passphrase: phrase)
            try AtomicFile.write(bytes: sealed, to: place.path, mode: 0o600)
            print(
                "wrote \(file): the cluster \"\(keyed.identity.name)\"\(isIssuer ? " with its authority" : "")"
            )
            print("next: keep it and its passphrase apart, off this host; llmstack cluster restore \(file) reads it")
        }
    }

    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put back what a backup holds: this host is in its cluster then.",
            discussion:
                "The passphrase is asked for, read from standard input, or taken from LLMSTACK_BACKUP_PASSPHRASE.")

        @Argument(help: "A file that llmstack cluster backup wrote.", completion: .file())
        var file: String

        func run() async throws {
            let context = ClusterContext()
            guard let sealed = FileManager.default.contents(atPath: file) else {
                throw StackFailure("\(file) cannot be read", advice: "fix: name a file that cluster backup wrote")
            }
            let identity = try ClusterBackup.restore(
                Array(sealed), passphrase: ClusterVerb.passphrase("passphrase of the backup"), to: context.files)
            let own = try context.files.nodeID()
            let desk = TrustDesk(
                identity, own, try ClusterSecrets(configuration: context.files.configuration, cluster: identity.id))
            // The certificate may be another host's, or have run out: an issuer signs itself one.
            let isIssuer = try desk.isIssuer()
            if isIssuer { try await desk.admitSelf(name: context.hostLabel, HostNames.current(), now: Date()) }
            // Last: a router acts on it at once.
            try context.files.setCluster(identity)
            print(
                "this host is in the cluster \"\(identity.name)\" (\(identity.id))\(isIssuer ? ", as an issuer" : "")"
            )
            print(context.whatIsNext)
        }
    }
}

import Crypto
import CryptoExtras
import Foundation

/// Bytes under a passphrase: scrypt (RFC 7914) makes the key, AES-256-GCM seals.
///
/// The form: `llmstack-backup`, a version, scrypt's cost (log2 N, r, p; a byte each), 16 bytes of salt, then nonce, sealed
/// bytes and tag. What stands before the nonce is authenticated, too.
package enum SealedBackup {
    package enum Failure: Error, Equatable, CustomStringConvertible {
        case noPassphrase
        case noBackup
        case newerVersion(Int)
        case wrongPassphrase
        /// The system could not do it; most likely there was no memory.
        case impossible

        package var description: String {
            switch self {
            case .noPassphrase: "a backup needs a passphrase\n  fix: type one; it is asked for at restore"
            case .noBackup: "this is no backup of llmstack\n  fix: name the file that llmstack cluster backup wrote"
            case .newerVersion(let version):
                "the backup has form \(version), which this version of llmstack does not know\n  fix: update llmstack"
            case .wrongPassphrase:
                "the passphrase is not this backup's, or the file is damaged\n  fix: try again, or use another copy"
            case .impossible:
                "the passphrase could not be turned into a key\n  fix: 128 MiB of memory must be free; try again"
            }
        }
    }

    /// What scrypt costs: the first choice of OWASP's Password Storage Cheat Sheet; 128 MiB, about half a second.
    private struct Cost: Equatable {
        /// log2 N.
        var rounds: UInt8 = 17
        var blockSize: UInt8 = 8
        var parallelism: UInt8 = 1

        /// A made-up file must not make this host work for hours, nor take gigabytes.
        var isBearable: Bool {
            (14...19).contains(rounds) && (1...8).contains(blockSize) && (1...4).contains(parallelism)
        }

        var bytes: [UInt8] { [rounds, blockSize, parallelism] }
    }

    private static let magic = Array("llmstack-backup".utf8)
    private static let version: UInt8 = 1
    private static let saltLength = 16
    /// AES-GCM's nonce and tag.
    private static let overhead = 12 + 16

    /// - Parameter passphrase: typed differently composed (é as one or two characters), it is the same.
    package static func seal(_ bytes: [UInt8], passphrase: String) throws(Failure) -> [UInt8] {
        let cost = Cost()
        let salt = randomBytes(saltLength)
        let header = magic + [version] + cost.bytes + salt
        let key = try key(passphrase, salt: salt, cost)
        guard let sealed = try? AES.GCM.seal(bytes, using: key, authenticating: header).combined else {
            throw .impossible
        }
        return header + sealed
    }

    package static func open(_ sealed: [UInt8], passphrase: String) throws(Failure) -> [UInt8] {
        let headerLength = magic.count + 1 + 3 + saltLength
        guard sealed.count > magic.count, sealed.starts(with: magic) else { throw .noBackup }
        guard sealed[magic.count] == version else { throw .newerVersion(Int(sealed[magic.count])) }
        guard sealed.count >= headerLength + overhead else { throw .noBackup }
        let header = Array(sealed[..<headerLength])
        let numbers = header[(magic.count + 1)...]
        let cost = Cost(
            rounds: numbers[magic.count + 1], blockSize: numbers[magic.count + 2], parallelism: numbers[magic.count + 3]
        )
        guard cost.isBearable else { throw .noBackup }
        let key = try key(passphrase, salt: Array(header.suffix(saltLength)), cost)
        guard let box = try? AES.GCM.SealedBox(combined: sealed[headerLength...]),
            let bytes = try? AES.GCM.open(box, using: key, authenticating: header)
        else { throw .wrongPassphrase }
        return Array(bytes)
    }

    private static func key(_ passphrase: String, salt: [UInt8], _ cost: Cost) throws(Failure) -> SymmetricKey {
        guard !passphrase.isEmpty else { throw .noPassphrase }
        let composed = Data(passphrase.precomposedStringWithCanonicalMapping.utf8)
        do {
            return try KDF.Scrypt.deriveKey(
                from: composed, salt: salt, outputByteCount: 32, rounds: 1 << Int(cost.rounds),
                blockSize: Int(cost.blockSize), parallelism: Int(cost.parallelism))
        } catch { throw .impossible }
    }
}

package import Cluster
import Foundation
import Wire

/// A project's models.ini: reading it, and the text that it begins with.
package enum ModelsINI {
    /// A models.ini that is not there, or cannot be read as text.
    package enum Unreadable: Error, Equatable, CustomStringConvertible {
        case missing(String, next: String)
        case notText(String)
        case refused(String, reason: String)

        package var description: String {
            switch self {
            case .missing(let path, let next): "no models.ini at \(path)\n  next: \(next)"
            case .notText(let path): "\(path) is not UTF-8 text\n  fix: save it as UTF-8 in your editor"
            case .refused(let path, let reason):
                "cannot read \(path): \(reason)\n  fix: check what it is and its permissions"
            }
        }
    }

    /// Marks around the hosted tier that ships switched off.
    private static let opening = "# >>> code-ultra"
    private static let closing = "# <<< code-ultra"

    /// Reads and checks a project's models.ini.
    ///
    /// - Parameter environment: what `$NAME` in AWS keys is looked up in.
    /// - Throws: ``Unreadable``, or `CatalogError`; both say what to do next.
    package static func load(
        _ work: WorkDirectory, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> Catalog {
        guard let text = try text(work) else {
            throw Unreadable.missing(work.modelsINI, next: work.wayToProject)
        }
        return try Catalog.parse(text, file: work.modelsINI) { environment[$0] }
    }

    /// - Returns: the file as it is; nil when there is none.
    package static func text(_ work: WorkDirectory) throws(Unreadable) -> String? {
        let path = work.modelsINI
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let bytes: [UInt8]
        do { bytes = try WholeFile.read(path) } catch { throw .refused(path, reason: error.reason) }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notText(path) }
        return text
    }

    /// A file that names nothing to serve. Only in a cluster is that of use: other nodes may have tiers.
    static func withoutTiers(_ path: String) -> CatalogError {
        CatalogError(
            file: path, line: nil, problem: "the file has no tiers",
            fix: "add one; or delete the file: llmstack install then writes the shipped one")
    }

    /// What a project without a models.ini begins with: the shipped defaults.
    ///
    /// - Parameter withBedrock: switch the hosted tier on.
    package static func seed(withBedrock: Bool) -> String {
        guard withBedrock else { return Shipped.modelsINI }
        var isInside = false
        let lines = Shipped.modelsINI.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            if line == opening || line == closing {
                isInside = line == opening
                return line
            }
            return isInside && line.hasPrefix("# ") ? line.dropFirst(2) : line
        }
        return lines.joined(separator: "\n")
    }
}

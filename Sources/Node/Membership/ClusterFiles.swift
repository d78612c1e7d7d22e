package import Cluster
import Foundation

/// What a host keeps about its cluster: which it is in, who it is itself, and the addresses that somebody named.
///
/// In `$XDG_CONFIG_HOME/llmstack` (`~/.config/llmstack`): `cluster.json` and `nodes.json`; in `$XDG_STATE_HOME/llmstack`
/// (`~/.local/state/llmstack`): `node-id` and the ledger, `state.db`. They are the user's, not a project's: a host has one router.
package struct ClusterFiles: Equatable, Sendable {
    package let configuration: String
    package let state: String

    package var clusterJSON: String { "\(configuration)/cluster.json" }
    package var nodesJSON: String { "\(configuration)/nodes.json" }
    package var nodeIDFile: String { "\(state)/node-id" }
    package var stateDB: String { "\(state)/state.db" }

    /// A file that is there and cannot be used.
    package struct Unusable: Error, Equatable, CustomStringConvertible {
        /// Two lines: what is wrong, and what to do.
        package let description: String

        init(_ path: String, _ problem: String, fix: String) {
            description = "\(path): \(problem)\n  fix: \(fix)"
        }
    }

    package init(environment: [String: String]) {
        func directory(_ variable: String, _ standard: String) -> String {
            // The specification of these variables says that relative paths are to be ignored.
            if let path = environment[variable], path.hasPrefix("/") { return "\(path)/llmstack" }
            let home = environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? NSHomeDirectory()
            return "\(home)/\(standard)/llmstack"
        }
        configuration = directory("XDG_CONFIG_HOME", ".config")
        state = directory("XDG_STATE_HOME", ".local/state")
    }

    // MARK: The cluster

    /// - Returns: the cluster that this host is in; nil when it is in none.
    /// - Throws: ``Unusable``.
    package func cluster() throws(Unusable) -> ClusterIdentity? {
        guard let identity: ClusterIdentity = try read(clusterJSON, "llmstack cluster leave, then init or join again")
        else { return nil }
        guard ClusterIdentity.isName(identity.name), !identity.id.description.isEmpty else {
            throw Unusable(
                clusterJSON, "it names no cluster", fix: "llmstack cluster leave, then init or join again")
        }
        return identity
    }

    package func setCluster(_ identity: ClusterIdentity) throws { try write(identity, clusterJSON) }

    /// - Returns: whether there was one to leave.
    package func leaveCluster() throws -> Bool {
        guard FileManager.default.fileExists(atPath: clusterJSON) else { return false }
        try FileManager.default.removeItem(atPath: clusterJSON)
        return true
    }

    // MARK: This node

    /// The node's id; made and kept when there is none.
    package func nodeID() throws -> NodeID {
        if let text = try? String(contentsOfFile: nodeIDFile, encoding: .utf8) {
            let id = text.trimmingCharacters(in: .whitespacesAndNewlines)
            if id.utf8.count == Self.idLength, id.allSatisfy({ $0.isLetter || $0.isNumber }) { return NodeID(id) }
        }
        let id = Self.randomID()
        // What else will be in there is nobody else's business.
        try? FileManager.default.createDirectory(
            atPath: state, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try AtomicFile.write("\(id)\n", to: nodeIDFile, mode: 0o600)
        return NodeID(id)
    }

    /// This host is another node from now on.
    package func forgetNodeID() { try? FileManager.default.removeItem(atPath: nodeIDFile) }

    /// 80 random bits: no two nodes of a team draw the same.
    private static let idLength = 16

    /// ``idLength`` characters of RFC 4648's base32, in lower case.
    package static func randomID() -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")
        var generator = SystemRandomNumberGenerator()
        return String((0..<idLength).map { _ in alphabet[Int.random(in: 0..<32, using: &generator)] })
    }

    // MARK: Named addresses

    private struct NamedNodes: Codable {
        var nodes: [String]
    }

    /// `HOST:PORT` of each, in the order in which they were named.
    package func namedNodes() throws(Unusable) -> [String] {
        let list: NamedNodes? = try read(nodesJSON, "delete the file, then llmstack nodes add HOST for each")
        return list?.nodes ?? []
    }

    package func setNamedNodes(_ nodes: [String]) throws { try write(NamedNodes(nodes: nodes), nodesJSON) }

    // MARK: Files

    private func read<Value: Decodable>(_ path: String, _ fix: String) throws(Unusable) -> Value? {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            if !FileManager.default.fileExists(atPath: path) { return nil }
            throw Unusable(path, "it cannot be read (\(error.localizedDescription))", fix: "see its permissions")
        }
        do {
            return try JSONDecoder().decode(Value.self, from: data)
        } catch {
            throw Unusable(path, "it is damaged", fix: fix)
        }
    }

    private func write(_ value: some Encodable, _ path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(value), as: UTF8.self)
        try AtomicFile.write(text + "\n", to: path, mode: 0o600)
    }
}

import Cluster
import Foundation
import Node
import Testing

struct ClusterFilesTests {
    private static func files(_ scratch: Scratch) -> ClusterFiles { ClusterFiles(environment: ["HOME": scratch.path]) }

    private static let identity = ClusterIdentity(id: ClusterID("abcdefgh12345678"), name: "team", security: .open)

    @Test(
        "The files lie where the environment says, and never at a relative path",
        arguments: [
            (["HOME": "/h"], "/h/.config/llmstack/cluster.json", "/h/.local/state/llmstack/node-id"),
            (
                ["HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"], "/c/llmstack/cluster.json",
                "/s/llmstack/node-id"
            ),
            (
                ["HOME": "/h", "XDG_CONFIG_HOME": "c", "XDG_STATE_HOME": ""], "/h/.config/llmstack/cluster.json",
                "/h/.local/state/llmstack/node-id"
            ),
        ])
    func places(_ environment: [String: String], _ cluster: String, _ node: String) {
        let files = ClusterFiles(environment: environment)
        #expect(files.clusterJSON == cluster)
        #expect(files.nodeIDFile == node)
        #expect(files.stateDB == node.replacing("/node-id", with: "/state.db"))
    }

    @Test("A cluster is kept, read again and left")
    func cluster() throws {
        let files = Self.files(try Scratch())
        #expect(try files.cluster() == nil)
        #expect(try !files.leaveCluster())
        try files.setCluster(Self.identity)
        #expect(try files.cluster() == Self.identity)
        let mode = try FileManager.default.attributesOfItem(atPath: files.clusterJSON)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(try files.leaveCluster())
        #expect(try files.cluster() == nil)
    }

    @Test("A node keeps its id, and a damaged one is replaced")
    func nodeID() throws {
        let scratch = try Scratch()
        let files = Self.files(scratch)
        let id = try files.nodeID()
        #expect(try files.nodeID() == id)
        #expect(id.description.count == 16)
        try "not an id\n".write(toFile: files.nodeIDFile, atomically: true, encoding: .utf8)
        let other = try files.nodeID()
        #expect(other != id)
        #expect(try files.nodeID() == other)
    }

    @Test(
        "A file that cannot be used is named, with what to do",
        arguments: [
            "", "{", "[]", "{\"id\":\"x\",\"name\":\"t\",\"security\":\"keys-of-tomorrow\"}",
            "{\"id\":\"\",\"name\":\"\",\"security\":\"open\"}",
        ])
    func damaged(_ text: String) throws {
        let files = Self.files(try Scratch())
        try files.setCluster(Self.identity)
        try text.write(toFile: files.clusterJSON, atomically: true, encoding: .utf8)
        let error = #expect(throws: ClusterFiles.Unusable.self) { try files.cluster() }
        #expect(error?.description.hasPrefix("\(files.clusterJSON): ") == true)
        #expect(error?.description.contains("\n  fix: ") == true)
    }

    @Test("Named addresses keep their order")
    func namedNodes() throws {
        let files = Self.files(try Scratch())
        #expect(try files.namedNodes() == [])
        try files.setNamedNodes(["b:10103", "a:10103"])
        #expect(try files.namedNodes() == ["b:10103", "a:10103"])
    }
}

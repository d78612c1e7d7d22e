import Cluster
import Foundation
import Node
import Testing

/// router.json: what is written is read, and nothing else is.
struct PinnedRouterTests {
    static let pin = PinnedRouter(
        cluster: .init(id: ClusterID("clusterclusterc1"), name: "studio", security: .open),
        router: .init(id: NodeID("nodenodenodenod1"), name: "desktop"), url: "http://10.0.0.5:10103")

    @Test func `it is read as it was written`() throws {
        var pin = Self.pin
        #expect(try PinnedRouter.parse(pin.json, path: "router.json") == pin)
        pin.preferred = NodeID("nodenodenodenod2")
        #expect(try PinnedRouter.parse(pin.json, path: "router.json") == pin)
        #expect(pin.json.hasSuffix("}\n"))
    }

    @Test func `a cluster with keys makes it the second format`() throws {
        var pin = Self.pin
        pin.cluster.security = .keys
        pin.authority = "abc"
        pin.gateway = true
        let value = try Value.json(pin.json)
        #expect(value["version"] == .number(2))
        #expect(value["authority"]?.text == "abc")
        #expect(value["gateway"] == .boolean(true))
        #expect(try PinnedRouter.parse(pin.json, path: "router.json") == pin)
    }

    @Test(
        arguments: [
            ("http://127.0.0.1:10101", 10101), ("http://127.0.0.1:65535", 65535), ("http://127.0.0.1:0", nil),
            ("http://127.0.0.1:", nil), ("http://127.0.0.1:1/x", nil), ("https://127.0.0.1:10101", nil),
            ("http://10.0.0.5:10103", nil),
        ] as [(String, Int?)])
    func `a gateway's project is on loopback`(_ url: String, _ port: Int?) {
        var pin = Self.pin
        #expect(pin.belongs(to: url) == (url == pin.url))
        pin.gateway = true
        #expect(PinnedRouter.gatewayPort(url) == port)
        #expect(pin.belongs(to: url) == (port != nil))
    }

    @Test func `the file holds what people may want to know`() throws {
        let value = try Value.json(Self.pin.json)
        #expect(value["version"] == .number(1))
        #expect(value["url"]?.text == "http://10.0.0.5:10103")
        #expect(value["cluster"]?["name"]?.text == "studio")
        #expect(value["cluster"]?["id"]?.text == "clusterclusterc1")
        #expect(value["cluster"]?["security"]?.text == "open")
        #expect(value["router"]?["name"]?.text == "desktop")
    }

    @Test func `unknown fields are ignored`() throws {
        let json = Self.pin.json.replacing("\"version\"", with: "\"more\" : {\"a\": [1]}, \"version\"")
        #expect(try PinnedRouter.parse(json, path: "router.json") == Self.pin)
    }

    static let damaged: [(String, String)] = [
        ("", "is damaged"), ("{", "is damaged"), ("[]", "is damaged"), ("{}", "is damaged"),
        ("{\"version\": \"1\"}", "is damaged"), ("{\"version\": 1}", "is damaged"),
        ("{\"version\": 2}", "is damaged"), ("{\"version\": 3}", "has format 3, and this llmstack reads 2"),
        (pin.json.replacing("open", with: "sealed"), "is damaged"), (String(pin.json.dropLast(4)), "is damaged"),
    ]

    @Test(arguments: damaged) func `a damaged one is named, with what to do`(_ json: String, _ problem: String) {
        let error = #expect(throws: PinnedRouter.Unreadable.self) {
            try PinnedRouter.parse(json, path: "/p/.llmstack/router.json")
        }
        let message = error?.description ?? ""
        #expect(message.hasPrefix("/p/.llmstack/router.json \(problem)\n  fix: "), "\(message)")
        #expect(message.contains("llmstack install --external auto"))
    }

    @Test(
        arguments: [
            ("external http://10.0.0.5:10103\n", true), ("external http://10.0.0.6:10103\n", false),
            ("current\n", false),
            (nil, false),
        ] as [(String?, Bool)])
    func `it counts only beside a marker with its URL`(_ marker: String?, _ counts: Bool) throws {
        let scratch = try Scratch()
        let work = WorkDirectory(environment: ["HOME": scratch.path], currentDirectory: scratch.path)
        try scratch.put(Self.pin.json, ".llmstack/router.json")
        if let marker { try scratch.put(marker, ".llmstack/default-channel") }
        #expect(try PinnedRouter.read(work) == (counts ? Self.pin : nil))
    }

    @Test func `a damaged one matters only to a thin client`() throws {
        let scratch = try Scratch()
        let work = WorkDirectory(environment: ["HOME": scratch.path], currentDirectory: scratch.path)
        try scratch.put("{", ".llmstack/router.json")
        #expect(try PinnedRouter.read(work) == nil)
        try scratch.put("external http://10.0.0.5:10103\n", ".llmstack/default-channel")
        #expect(throws: PinnedRouter.Unreadable.self) { try PinnedRouter.read(work) }
    }

    private static let catalog = "[solo]\nrole = fast\nctx_size = 4096\nhf_repo = a/b\nhf_file = c.gguf\n"

    @Test func `an install by name writes it before the marker, and any other install removes it`() throws {
        let scratch = try Scratch()
        let environment = ["HOME": "\(scratch.path)/home"]
        let work = WorkDirectory(environment: environment, currentDirectory: "\(scratch.path)/project")
        let catalog = try Catalog.parse(Self.catalog, file: "models.ini")
        func byName() throws -> [ProjectInstall.Report] {
            try ProjectInstall(
                work: work, thinClientOf: Self.pin.url, catalog: catalog, environment: environment, pin: Self.pin,
                shipped: nil
            ).perform()
        }
        #expect(try byName().map(\.name) == ["AGENTS.md", "opencode.json", "router.json", "default-channel"])
        #expect(try PinnedRouter.read(work) == Self.pin)
        #expect(scratch.text("project/.llmstack/default-channel") == "external http://10.0.0.5:10103\n")
        #expect(try scratch.mode("project/.llmstack/router.json") == 0o644)
        let url = ProjectInstall(
            work: work, thinClientOf: Self.pin.url, catalog: catalog, environment: environment, shipped: nil)
        _ = try url.perform()
        #expect(scratch.text("project/.llmstack/router.json") == nil)
        _ = try byName()
        try scratch.put(Self.catalog, "project/.llmstack/models.ini")
        _ = try ProjectInstall(work: work, channel: .current, environment: environment, shipped: nil).perform()
        #expect(scratch.text("project/.llmstack/router.json") == nil)
        #expect(scratch.text("project/.llmstack/default-channel") == "current\n")
    }
}

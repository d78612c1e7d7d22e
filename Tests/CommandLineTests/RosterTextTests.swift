import Foundation
import RouterHarness
import Testing

/// What `llmstack nodes` makes of a router's answer.
struct RosterTextTests {
    private static func tier(
        _ file: String, of family: String = "o/plan", context: Int = 1, settings: String = "s", isShared: Bool = true
    ) -> String {
        """
        [{"name":"plan","aliases":[],"role":"plan","backend":"gguf","shared":\(isShared),"fingerprint":\
        {"family":"\(family)","file":"\(file)","ctx":\(context),"settings":"\(settings)"},"state":"ready",\
        "slots":1,"busy":0,"queued":0,"speed":{}}]
        """
    }

    private static func node(_ name: String, _ tiers: String = "[]", state: String = "up") -> String {
        """
        {"id":"\(name)00000000","name":"\(name)","state":"\(state)","self":\(name == "studio"),"source":"mdns",\
        "addresses":[],"tiers":\(tiers)}
        """
    }

    /// - Parameter match: that keeps this host's requests to its own model; nil where it has none.
    private static func told(_ models: String, match: String? = nil) -> String {
        let advice = match.map { "[NODE] match = \($0) in models.ini has this host ask its own kind only" }
        return "plan stands for different weights or settings: \(models). "
            + (advice ?? "This host has none of its own to go by: give them names that differ")
    }

    @Test(
        "Where one name stands for different weights is told below the nodes, with what to do",
        arguments: [
            ([node("studio", tier("a")), node("box", tier("a", context: 2))], nil),
            (
                [node("studio", tier("a")), node("box", tier("b")), node("den", tier("a"))],
                told("o/plan a on studio, den; o/plan b on box", match: "exact")
            ),
            (
                [node("studio", tier("a")), node("box", tier("b", of: "o/other"))],
                told("o/plan a on studio; o/other b on box", match: "family")
            ),
            (
                [node("studio", tier("a")), node("box", tier("a", settings: "t"))],
                told("o/plan a on studio; o/plan a with other settings on box", match: "exact")
            ),
            (
                [node("studio"), node("box", tier("a")), node("den", tier("b"))],
                told("o/plan a on box; o/plan b on den")
            ),
            // Nobody is answered by these.
            ([node("studio", tier("a")), node("box", tier("b", isShared: false))], nil),
            ([node("studio", tier("a")), node("box", tier("b"), state: "down")], nil),
        ] as [([String], String?)])
    func differences(nodes: [String], line: String?) throws {
        let router = try Self.router(nodes)
        defer { router.stop() }
        let result = try Terminal().run(["nodes"], environment: ["ROUTER_PORT": "\(router.port)"])
        #expect(result.code == 0, "\(result)")
        if let line {
            #expect(result.output.hasSuffix("\n\n\(line)\n"), "\(result)")
        } else {
            #expect(!result.output.contains("stands for"), "\(result)")
        }
    }

    @Test func anothersRouterIsNotThisHost() throws {
        let router = try Self.router([Self.node("studio", Self.tier("a")), Self.node("box")])
        defer { router.stop() }
        let terminal = try Terminal()
        try terminal.write("external http://127.0.0.1:\(router.port)\n", to: ".llmstack/default-channel")
        let told = try terminal.run(["nodes"])
        #expect(told.code == 0 && told.output.contains("  studio  up  heard 0 ms ago"), "\(told)")
        let json = try terminal.run(["nodes", "--json"])
        #expect(json.code == 0 && json.output.contains("\"name\":\"studio\""), "\(json)")
        #expect(!json.output.contains("\"self\":true"), "\(json)")
    }

    private static func router(_ nodes: [String]) throws -> ScriptedUpstream {
        let roster = """
            {"cluster":{"id":"cluster0","name":"team","security":"open"},"nodes":[\(nodes.joined(separator: ","))]}
            """
        return try ScriptedUpstream(
            ScriptedUpstream.always(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(roster.utf8.count)\r\n\r\n"
                    + roster, .close))
    }
}

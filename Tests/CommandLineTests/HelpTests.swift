import Testing

/// What `--help` shows, and where.
struct HelpTests {
    @Test func theVerbNodesShowsTheOptionsItTakesByItself() throws {
        let terminal = try Terminal()
        let help = try terminal.run(["nodes", "--help"])
        for option in ["--watch", "--json", "--history", "--limit <n>"] {
            #expect(help.output.contains(option), "\(help.output)")
        }
        #expect(try !terminal.run(["nodes", "add", "--help"]).output.contains("--watch"))
        let script = try terminal.run(["completions", "bash"]).output
        let ofNodes = try #require(script.split(separator: "\n_llmstack_").first { $0.hasPrefix("nodes()") })
        #expect(ofNodes.contains("--history") && ofNodes.contains("--limit"), "\(ofNodes)")
    }

    @Test(arguments: [["cluster", "invite"]]) func noLineOfATableIsWrapped(_ verb: [String]) throws {
        let help = try Terminal().run(verb + ["--help"]).output
        #expect(help.contains("\n           llmstack install --external auto --token TOKEN\n"), "\(help)")
    }
}

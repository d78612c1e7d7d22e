import Testing
import llama_swap_stand_in

@Suite("What the stand-in for llama-swap reads")
struct StandInFilesTests {
    @Test("The subset of YAML is read to its values")
    func subset() throws {
        let text = """
            # a comment
            number: 600
            size: 2.5
            flag: true
            plain: two words   # and a comment
            quoted: "a \\"b\\" \\u00e9 # no comment"
            single: 'it''s'
            escapes: "\\x41 \\U0001F600 ends in \\\\"  # a comment
            "odd key": x
            empty list: []
            empty map: {}
            inline: [a, "b, c"]
            nothing:
            block: |
              first line

                indented # kept
            list:
            - one
            - "2"
            deep:
              deeper:
                list:
                  - 1
              last: end
            """
        let yaml = try YAML(parsing: text)
        #expect(yaml["number"] == .int(600))
        #expect(yaml["size"] == .double(2.5))
        #expect(yaml["flag"] == .bool(true))
        #expect(yaml["plain"] == .string("two words"))
        #expect(yaml["quoted"] == .string("a \"b\" é # no comment"))
        #expect(yaml["escapes"] == .string("A 😀 ends in \\"))
        #expect(yaml["single"] == .string("it's"))
        #expect(yaml["odd key"] == .string("x"))
        #expect(yaml["empty list"] == .sequence([]))
        #expect(yaml["empty map"] == .mapping([]))
        #expect(yaml["inline"] == .sequence([.string("a"), .string("b, c")]))
        #expect(yaml["nothing"] == .null)
        #expect(yaml["block"] == .string("first line\n\n  indented # kept\n"))
        #expect(yaml["list"] == .sequence([.string("one"), .string("2")]))
        #expect(yaml["deep"]?["deeper"]?["list"] == .sequence([.int(1)]))
        #expect(yaml["deep"]?["last"] == .string("end"))
    }

    @Test(
        "What is no part of the subset is an error with its line",
        arguments: [
            ("a: 1\na: 2", 2), ("a: >-\n  folded", 1), ("a: 1\n   b: 2", 2), ("just words", 1), ("a: \"open", 1),
            ("a: *anchor", 1), ("a:\n  - x\n b: 1", 3), ("a: b: c", 1),
        ])
    func errors(text: String, line: Int) {
        let error = #expect(throws: YAML.SyntaxError.self) { try YAML(parsing: text) }
        #expect(error?.line == line)
    }

    @Test(
        "A command becomes the words a shell would make of it, and nothing is expanded",
        arguments: [
            ("a b", ["a", "b"]),
            ("a\n# a comment\n  --flag 'two words'\n", ["a", "--flag", "two words"]),
            (#"a "b \" c" d\ e '' $HOME `x`"#, ["a", "b \" c", "d e", "", "$HOME", "`x`"]),
        ])
    func words(text: String, expected: [String]) throws {
        #expect(try CommandWords(text).words == expected)
    }

    @Test("Macros are expanded and ports follow the sorted ids")
    func configuration() throws {
        let text = """
            startPort: 7000
            globalTTL: 30
            macros:
              llama_server: "/opt/llama server"
              metal_defaults: --port ${PORT}
            models:
              zebra:
                cmd: |
                  "${llama_server}" ${metal_defaults}
                aliases:
                  - z
              ant:
                cmd: ant ${metal_defaults}
                ttl: 0
            matrix:
              vars:
                a: ant
                z: zebra
              evict_costs:
                a: 4
              sets:
                both: a & z
            hooks:
              on_startup:
                preload:
                  - z
            """
        let configuration = try Configuration(YAML(parsing: text))
        #expect(configuration.models.map(\.id) == ["ant", "zebra"])
        let words = [["ant", "--port", "7000"], ["/opt/llama server", "--port", "7001"]]
        #expect(configuration.models.map(\.words) == words)
        #expect(configuration.models.map(\.ttl) == [0, 30])
        #expect(configuration.matrix.sets == [["ant", "zebra"]])
        #expect(configuration.matrix.costs == ["ant": 4])
        #expect(configuration.preload == ["zebra"])
        #expect(configuration.resolve("z") == "zebra")
        #expect(configuration.resolve("y") == nil)
    }

    @Test(
        "A file that llama-swap would refuse is refused",
        arguments: [
            "models:\n  a:\n    name: no command",
            "models:\n  a:\n    cmd: x ${nope}",
            "models:\n  a:\n    cmd: x\n    aliases: [s]\n  b:\n    cmd: x\n    aliases: [s]",
            "models:\n  a:\n    cmd: x\nmatrix:\n  sets:\n    s: a & b",
            "models:\n  a:\n    cmd: x\nhooks:\n  on_startup:\n    preload: [b]",
            "unheard_of: 1",
        ])
    func refused(text: String) throws {
        let yaml = try YAML(parsing: text)
        #expect(throws: Configuration.Invalid.self) { try Configuration(yaml) }
    }

    @Test(
        "The first model of a body counts, broken JSON or not",
        arguments: [
            (#"{"model":"a","stream":true}"#, "a", true),
            (#" { "x" : {"model":"no"} , "model" : "a\u0062" , "model":"c" }"#, "ab", false),
            (#"{"messages":["}{",{"a":"\"model\":"}],"model":"a""#, "a", false),
            (#"{"model":null}"#, "", false),
            (#"["model","a"]"#, "", false),
            ("", "", false),
        ])
    func facts(body: String, model: String, stream: Bool) {
        let facts = RequestFacts(body: Array(body.utf8))
        #expect(facts.model == model)
        #expect(facts.stream == stream)
    }
}

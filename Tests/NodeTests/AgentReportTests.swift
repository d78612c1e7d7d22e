import Node
import Testing

struct AgentReportTests {
    /// As llama-swap sends it: JSON in a string in JSON.
    private static func event(_ type: String, _ data: String) -> String {
        #"{"type":"\#(type)","data":"\#(data.replacing("\"", with: "\\\""))"}"#
    }

    @Test func `The states of an event are read, those of other hosts left out`() throws {
        let models =
            #"[{"id":"code-fast","name":"","description":"","state":"ready","unlisted":false,"peerID":"","aliases":["fast"]},"#
            + #"{"id":"plan","name":"Plan","description":"x","state":"starting","unlisted":true,"peerID":""},"#
            + #"{"id":"old","state":"shutdown"},{"id":"new","state":"hibernating"},"#
            + #"{"id":"far/away","name":"","description":"","state":"","unlisted":false,"peerID":"far"}]"#
        let report = try #require(LlamaSwapReport(event: Self.event("modelStatus", models)))
        #expect(report.states == ["code-fast": .ready, "plan": .starting, "old": .stopped, "new": .stopped])
        #expect(report.addresses.isEmpty)
    }

    @Test(arguments: [
        event("logData", #"{"source":"proxy","data":"type modelStatus"}"#), event("inflight", "{}"),
        event("modelStatus", "{}"), event("modelStatus", "[{}]"), event("modelStatus", ""), "", "{", "[]", "null",
        #"{"type":"modelStatus"}"#, #"{"type":"modelStatus","data":[]}"#,
    ])
    func `Other events are none of ours`(data: String) {
        #expect(LlamaSwapReport(event: data) == nil)
    }

    @Test func `What runs is read, with addresses`() throws {
        let body =
            #"{"running":[{"model":"plan","state":"ready","cmd":"llama-server -c 1","proxy":"http://localhost:10003","#
            + #""ttl":0,"name":"","description":""},{"model":"x","state":"stopping"}]}"#
        let report = try #require(LlamaSwapReport(running: Array(body.utf8)))
        #expect(report.states == ["plan": .ready, "x": .stopping])
        #expect(report.addresses == ["plan": "http://localhost:10003"])
        #expect(LlamaSwapReport(running: Array(#"{"running":[]}"#.utf8))?.states == [:])
        #expect(LlamaSwapReport(running: Array("404 page not found".utf8)) == nil)
    }

    /// The beginning of the first is as a real llama-server sent it.
    @Test(
        arguments: [
            (
                #"{"default_generation_settings":{"params":{"seed":4294967295,"temperature":0.800000011920929},"n_ctx":8192},"total_slots":1,"model_alias":"plan","#
                    + #""model_path":"/m/small.gguf","chat_template":"{{x}}","is_sleeping":false}"#,
                LlamaServerSlots(count: 1, contextSize: 8192)
            ),
            (#"{"total_slots":4}"#, LlamaServerSlots(count: 4, contextSize: nil)),
            (
                #"{"total_slots":4,"default_generation_settings":{"n_ctx":0}}"#,
                LlamaServerSlots(count: 4, contextSize: nil)
            ),
            (#"{"total_slots":0}"#, nil), (#"{"total_slots":-1}"#, nil), (#"{"total_slots":1000000}"#, nil),
            (#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#, nil), ("", nil),
        ] as [(String, LlamaServerSlots?)])
    func `Slots are read from props`(body: String, slots: LlamaServerSlots?) {
        #expect(LlamaServerSlots(props: Array(body.utf8)) == slots)
    }
}

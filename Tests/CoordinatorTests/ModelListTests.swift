import Foundation
import RouterHarness
import Testing
import Wire

/// `/v1/models`, where a client's fields could spoil what the router asks for itself.
struct ModelListTests {
    @Test(arguments: ["Accept-Encoding: gzip", "If-None-Match: \"a\"", "Range: bytes=0-3"])
    func theListIsWholeWhateverTheClientAsksFor(_ field: String) async throws {
        let router = try await RunningRouter { socket, request in
            let list = "{\"data\":[{\"id\":\"known\"}]}"
            if request["accept-encoding"] != nil {
                socket.send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n????")
            } else if request["if-none-match"] != nil {
                socket.send("HTTP/1.1 304 Not Modified\r\n\r\n")
            } else if request["range"] != nil {
                socket.send("HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\n\r\n{\"da")
            } else {
                socket.send("HTTP/1.1 200 OK\r\nContent-Length: \(list.utf8.count)\r\n\r\n\(list)")
            }
            return .keepOpen
        }
        var bytes = try router.exchange(
            "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\(field)\r\nConnection: close\r\n\r\n")
        let reply = try #require(HTTPText.take(from: &bytes))
        #expect(reply.status == 200)
        let object = try JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any]
        let ids = (object?["data"] as? [[String: Any]])?.compactMap { $0["id"] as? String }
        #expect(ids == ["auto", "known"])
        await router.stop()
    }
}

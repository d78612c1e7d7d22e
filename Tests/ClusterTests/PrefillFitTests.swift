import Cluster
import Testing

struct PrefillFitTests {
    @Test(
        "The curve is found from prompts of different lengths, cached or not",
        arguments: [(0.001, 0.0), (0.0002, 1e-6), (0, 1e-6)])
    func found(_ base: Double, _ growth: Double) throws {
        var fit = PrefillFit()
        #expect(fit.curve == nil)
        let truth = PrefillCurve(base: base, growth: growth)
        for (cached, tokens) in [(0, 200), (0, 2600), (600, 900), (0, 1400), (2000, 300)] {
            let all = truth.seconds(of: Double(cached + tokens))
            fit.take(tokens: tokens, after: cached, seconds: all - truth.seconds(of: Double(cached)))
        }
        let curve = try #require(fit.curve)
        for tokens in [100.0, 1000, 5000] {
            #expect(abs(curve.seconds(of: tokens) - truth.seconds(of: tokens)) < 1e-6 * truth.seconds(of: tokens))
        }
    }

    @Test func `Prompts of one length tell of no growth`() throws {
        var fit = PrefillFit()
        for seconds in [1.0, 1.2, 0.8, 1] { fit.take(tokens: 1000, after: 0, seconds: seconds) }
        let curve = try #require(fit.curve)
        #expect(curve.growth == 0)
        #expect((0.0009...0.0011).contains(curve.base))
    }

    @Test func `No token is free, and none is cheaper for being late`() throws {
        var fit = PrefillFit()
        for (tokens, seconds) in [(100, 1.0), (4000, 2.0)] { fit.take(tokens: tokens, after: 0, seconds: seconds) }
        let curve = try #require(fit.curve)
        #expect(curve.growth == 0 && curve.base > 0)
        fit = PrefillFit()
        for (tokens, seconds) in [(100, 0.001), (4000, 40.0)] { fit.take(tokens: tokens, after: 0, seconds: seconds) }
        let steep = try #require(fit.curve)
        #expect(steep.base >= 0 && steep.growth > 0)
    }

    @Test func `What is older fades`() throws {
        var fit = PrefillFit()
        for _ in 0..<50 { fit.take(tokens: 1000, after: 0, seconds: 10) }
        for _ in 0..<50 { fit.take(tokens: 1000, after: 0, seconds: 1) }
        #expect(abs(try #require(fit.curve).seconds(of: 1000) - 1) < 0.1)
    }
}

namespace Ard.Trainers.Tests.Attacks;

public sealed class RaySTests
{
    [Property(MaxTest = 12)]
    public void On_a_linear_network_it_breaks_exactly_the_points_within_reach(byte inputs, byte budget, int seed)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(unchecked((ulong)seed));
        var size = 2 + inputs % 30;
        var network = LinearNetwork.Random(size, classes: 2, unchecked((ulong)seed + 1), ScalarType.Float64);
        // Far enough from the ends of [0,1] that the box plays no part.
        var images = empty([24, size], dtype: ScalarType.Float64).uniform_(0.3, 0.7, generator);
        var epsilon = 0.001 + budget / 255.0 * 0.25;
        using var noGrad = no_grad();
        var logits = network.call(images);
        var labels = logits.argmax(1);
        var slope = (network.Weight.select(1, 0) - network.Weight.select(1, 1)).abs().sum();
        var needed = ((logits.select(1, 0) - logits.select(1, 1)).abs() / slope).data<double>().ToArray();

        var points = new RayS(2000).Perturb(network, images, labels, ThreatModel.Linf(epsilon), seed);

        var broken = network.call(points).argmax(1).ne(labels).data<bool>().ToArray();
        // In each direction the distance is found within a thousandth of Euclidean length, over all values.
        var tolerance = 2e-3 / Math.Sqrt(size);
        for (var i = 0; i < broken.Length; i++)
        {
            if (needed[i] < epsilon - tolerance) Assert.True(broken[i], $"point {i} needs {needed[i]} of {epsilon} and is not broken");
            if (needed[i] > epsilon) Assert.False(broken[i], $"point {i} needs {needed[i]} of {epsilon} and is broken");
        }
    }

    [Fact]
    public void It_begins_with_white_and_black_then_turns_halves_and_quarters_where_the_distance_is_halved_in_on()
    {
        using var scope = NewDisposeScope();
        // Misclassified as far as the first of four values is changed downwards: from 0.5 to below 0.2.
        var calls = new RecordingNetwork(new FunctionNetwork(x => stack([x.select(1, 0) - 0.2, zeros(x.shape[0], dtype: x.dtype)], 1)));
        var image = full([1, 4], 0.5, dtype: ScalarType.Float64);
        var points = new RayS(200).Perturb(calls, image, zeros([1], dtype: ScalarType.Int64), ThreatModel.Linf(0.1), seed: 1);
        Compare.Same(image, points, "the point, as it takes 0.3");
        var sent = calls.Calls.Select(call => call.Input.data<double>().ToArray()).ToArray();
        Assert.Equal(201, sent.Length);
        Assert.Equal([0.5, 0.5, 0.5, 0.5], sent[0]);
        Assert.Equal([1, 1, 1, 1], sent[1]);
        Assert.Equal([0, 0, 0, 0], sent[2]);
        // Half of 1, which is still black in half of it; then between.
        Assert.Equal([0, 0, 0, 0], sent[3]);
        Assert.Equal([0.25, 0.25, 0.25, 0.25], sent[4]);
        Assert.Equal([0.125, 0.125, 0.125, 0.125], sent[5]);
        // The distance that is found is 0.3, within a thousandth over the root of four; the first half turned is right there.
        var turned = Array.FindIndex(sent, 3, values => values[0] > 0.5);
        Assert.InRange(sent[turned][0] - 0.5, 0.3, 0.3 + 0.0005);
        Assert.Equal([1, 1, -1, -1], sent[turned].Select(value => Math.Sign(value - 0.5)));
        // The second half turned is as good: one more point, where the last search ended, tells that it is not better.
        Assert.Equal([-1, -1, 1, 1], sent[turned + 1].Select(value => Math.Sign(value - 0.5)));
        Assert.Equal([-1, -1, 1, 1], sent[turned + 2].Select(value => Math.Sign(value - 0.5)));
        Assert.InRange(0.5 - sent[turned + 2][0], 0.3 - 0.0005, 0.3);
        // Then single values.
        Assert.Equal([1, -1, 1, 1], sent[turned + 3].Select(value => Math.Sign(value - 0.5)));
    }

    [Fact]
    public void Where_white_and_black_are_right_it_goes_on_from_random_corners()
    {
        using var scope = NewDisposeScope();
        // Misclassified where two values are far apart.
        var network = new FunctionNetwork(x => stack([full([x.shape[0]], 0.5), (x.select(1, 0) - x.select(1, 1)).abs()], 1));
        var images = full([8, 2], 0.5);
        var points = new RayS(300).Perturb(network, images, zeros([8], dtype: ScalarType.Int64), ThreatModel.Linf(0.3));
        var apart = (points.select(1, 0) - points.select(1, 1)).abs().data<float>().ToArray();
        Assert.All(apart, difference => Assert.InRange(difference, 0.5f, 0.6f + 1e-6f));
        Assert.True(network.call(points).argmax(1).eq(1).all().item<bool>());
    }

    // Both go different ways to a nearest point, and are as near after as many queries; in steps, since a search takes some ten of them.
    [CnnAFact]
    public void It_comes_as_near_after_so_many_queries_as_the_authors_code()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var recorded = Fixture.Beside("rays_cnn_a.safetensors");
        var (network, images, labels) = CnnATraceTests.Problem(ScalarType.Float32);
        var right = recorded["right"].nonzero().flatten();
        (images, labels) = (images.index_select(0, right), labels.index_select(0, right));
        var queries = recorded["queries"].data<long>().ToArray();
        var nearest = full([images.shape[0]], double.PositiveInfinity, dtype: ScalarType.Float64);
        var (asked, found) = (-1L, new List<double>());
        // Every image is asked for in every query, since nothing is within this budget; the first call is of the images themselves.
        var counting = new FunctionNetwork(points =>
        {
            using var inner = NewDisposeScope();
            var logits = network.call(points);
            if (points.shape[0] == images.shape[0] && ++asked > 0)
            {
                var size = (points - images).abs().flatten(1).amax(1).to(ScalarType.Float64);
                nearest.copy_(where(logits.argmax(1).ne(labels), size.minimum(nearest), nearest));
                if (queries.Contains(asked)) found.Add(nearest.median().item<double>());
            }
            return logits.MoveToOuterDisposeScope();
        });
        new RayS((int)queries[^1]).Perturb(counting, images, labels, ThreatModel.Linf(1e-6));
        var theirs = Enumerable.Range(0, queries.Length).Select(place => (double)recorded["sizes"][place].median().item<float>()).ToArray();
        var all = string.Join("; ", queries.Zip(found, theirs).Select(at => $"{at.First} queries: {at.Second}, theirs {at.Third}"));
        Assert.Equal(queries.Length, found.Count);
        Assert.True(found.Zip(theirs).All(pair => pair.First < 1.1 * pair.Second), all);
    }

    [Fact]
    public void Names_say_the_queries_and_only_Linf_is_taken()
    {
        Assert.Equal(("rays", "rays-50"), (AttackCatalog.ByName("rays").Name, AttackCatalog.ByName("RayS-50").Name));
        Assert.Equal("rays", AttackCatalog.ByName("rays-10000").Name);
        Assert.Throws<ArgumentException>(() => AttackCatalog.ByName("rays-0"));
        Assert.Throws<ArgumentOutOfRangeException>(() => Attack.RayS(0));
        using var network = LinearNetwork.Random(4, 2, seed: 1);
        Assert.Contains("expected Linf", Assert.Throws<ArgumentException>(() => Attack.RayS().Perturb(
            network, zeros([1, 4]), zeros([1], dtype: ScalarType.Int64), ThreatModel.L2(1))).Message);
    }
}

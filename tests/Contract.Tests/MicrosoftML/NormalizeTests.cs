using Microsoft.ML;
using Microsoft.ML.Data;

namespace Contract.Tests.MicrosoftML;

public class NormalizeTests
{
    private readonly MLContext _ml = new(1);

    private static void Near(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-6f);
    }

    [Fact]
    public void Zero_stays_zero_and_the_largest_magnitude_becomes_one()
    {
        var data = Sample.View(_ml);
        var estimator = _ml.Transforms.NormalizeMinMax("N", "F").Append(_ml.Transforms.NormalizeMinMax("A"));
        var result = estimator.Fit(data).Transform(data);
        Near([0.2f, -0.2f, 0.2f], result.GetColumn<float[]>("N").ElementAt(1));
        Near([0, 0.2f, 0.4f, 0.6f, 0.8f, 1], result.GetColumn<float>("A").ToArray());
        Assert.Equal("N: Vector<Single, 3> {IsNormalized}", result.Schema["N"].ToString());
        Assert.EndsWith("; N Vector Single {IsNormalized Scalar Boolean}",
            Describe.Text(estimator.GetOutputSchema(Describe.Shape(data.Schema))));
    }

    [Fact]
    public void Without_fixing_zero_the_range_becomes_zero_to_one_and_is_not_clipped()
    {
        var data = Sample.View(_ml);
        var transformer = _ml.Transforms.NormalizeMinMax("N", "F", fixZero: false).Fit(data);
        Near([0.2f, 0.8f, 0.2f], transformer.Transform(data).GetColumn<float[]>("N").ElementAt(1));
        var outside = _ml.Data.LoadFromEnumerable(new[] { new Sample { F = [-100, 100, float.NaN] } });
        Near([-20, 21, float.NaN], transformer.Transform(outside).GetColumn<float[]>("N").Single());
    }

    [Fact]
    public void A_constant_becomes_zero_and_missing_values_are_not_counted()
    {
        foreach (bool fixZero in new[] { true, false })
        {
            var data = _ml.Data.LoadFromEnumerable(
                new[] { new Sample { F = [0, 3, float.NaN] }, new Sample { F = [0, 3, 4] }, new Sample { F = [0, 3, 2] } });
            var result = _ml.Transforms.NormalizeMinMax("F", fixZero: fixZero).Fit(data).Transform(data).GetColumn<float[]>("F").ToArray();
            Near([0, 0, float.NaN], result[0]);
            Near([0, 0, 1], result[1]);
        }
    }

    [Fact]
    public void Other_columns_are_refused()
    {
        var data = Sample.View(_ml);
        var shape = Describe.Shape(data.Schema);
        Assert.Contains("Schema mismatch for input column 'S': expected vector or scalar of Single or Double, got String",
            Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.NormalizeMinMax("S").GetOutputSchema(shape)).Message);
        Assert.Contains("Schema mismatch for input column 'V': expected known-size vector or scalar, got VarVector<Single>",
            Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.NormalizeMinMax("V").GetOutputSchema(shape)).Message);
        Assert.Contains("Wrong column type",
            Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.NormalizeMinMax("S").Fit(data)).Message);
        Assert.Contains("'Q'", Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.NormalizeMinMax("Q").Fit(data)).Message);
        Assert.Contains("'Q'", Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.NormalizeMinMax("Q")
            .GetOutputSchema(shape)).Message);
    }
}

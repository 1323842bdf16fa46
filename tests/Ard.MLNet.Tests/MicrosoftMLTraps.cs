namespace Ard.MLNet.Tests;

/// <summary>What ML.NET does that a reader would not guess, and that the source named beside each test relies on.</summary>
public sealed class MicrosoftMLTraps
{
    private readonly MLContext ml = new MLContext(1);

    // Data/ImageReader.cs: a key beyond its type counts as missing, and the values behind keys are found in a hidden column.
    [Fact]
    public void A_value_that_the_mapping_was_not_fitted_on_has_the_key_0_and_stays_in_a_hidden_column()
    {
        var fitted = ml.Transforms.Conversion.MapValueToKey("Label").Fit(ml.Data.LoadFromEnumerable(new[] { new { Label = "cat" } }));
        var data = fitted.Transform(ml.Data.LoadFromEnumerable(new[] { new { Label = "dog" } }));
        Assert.Equal([0u], data.GetColumn<uint>("Label"));
        var hidden = Assert.Single(data.Schema, column => column.IsHidden);
        Assert.Equal("Label", hidden.Name);
        Assert.Equal(["dog"], data.GetColumn<ReadOnlyMemory<char>>(hidden).Select(value => value.ToString()));
    }

    // Scoring/BatchedCursor.cs: a consumer may ask any view for several cursors at once and move them in turns.
    [Fact]
    public void Cursors_of_one_view_are_independent()
    {
        var data = ml.Data.LoadFromEnumerable(new[] { new { A = 0f }, new { A = 1f } });
        using var first = data.GetRowCursor(data.Schema);
        using var second = data.GetRowCursor(data.Schema);
        Assert.True(first.MoveNext() && first.MoveNext() && second.MoveNext());
        float a = 0, b = 1;
        first.GetGetter<float>(data.Schema["A"])(ref a);
        second.GetGetter<float>(data.Schema["A"])(ref b);
        Assert.Equal((1f, 0f), (a, b));
    }
}

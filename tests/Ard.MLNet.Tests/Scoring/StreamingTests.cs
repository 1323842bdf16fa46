namespace Ard.MLNet.Tests.Scoring;

public sealed class StreamingTests
{
    [Fact]
    public void Scoring_holds_a_batch_of_a_stream_and_never_more()
    {
        var ml = new MLContext(1);
        var images = Tiny.Images(ml, 10);
        var read = 0;
        // The classifier scores four rows at a time.
        var scored = Tiny.Classifier.Transform(ml.Data.LoadFromEnumerable(Rows()));
        using var cursor = scored.GetRowCursor([scored.Schema["PredictedLabel"], scored.Schema["Score"]]);
        for (var row = 0; row < 1000; row++)
        {
            Assert.True(cursor.MoveNext());
            Assert.InRange(read, row + 1, row / 4 * 4 + 5);
        }
        Assert.False(cursor.MoveNext());

        IEnumerable<Image> Rows()
        {
            for (var row = 0; row < 1000; row++)
            {
                read++;
                yield return images[row % images.Length];
            }
        }
    }
}

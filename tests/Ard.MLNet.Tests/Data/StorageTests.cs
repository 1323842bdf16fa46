namespace Ard.MLNet.Tests.Data;

/// <summary>Where trainers keep the images that they read.</summary>
public sealed class StorageTests
{
    private readonly List<string> log = [];
    private readonly MLContext ml = new MLContext(1);

    public StorageTests() => ml.Log += (_, entry) => log.Add(entry.Message);

    private ImageClassifierTransformer Fit(IDataView data, string? file = null, long mostInMemory = 1 << 20)
    {
        var options = Tiny.Natural() with { Seed = 3, ImageFile = file, MostInMemory = mostInMemory };
        return new ArdTrainer(ml, options with { Training = options.Training with { ValidationFraction = 0.2 } }).Fit(data);
    }

    [Fact]
    public void The_model_is_the_same_wherever_the_images_are_kept_and_the_log_says_where()
    {
        var data = Tiny.Glyphs(ml, 60);
        var path = Path.Combine(Tiny.Folder(), "images");
        using var expected = Fit(data);
        Assert.Contains(log, line => line.Contains("60 images, 0 MB, in memory", StringComparison.Ordinal));
        foreach (var (file, most, where) in new[]
        {
            (null, 0, "in the temporary file "),
            (path, 1 << 20, $"in the file {path}"),
        })
        {
            log.Clear();
            using var model = Fit(data, file, most);
            Assert.Equal(Tiny.Weights(expected), Tiny.Weights(model));
            Assert.Equal(expected.Training!.History[0] with { Seconds = 0 }, model.Training!.History[0] with { Seconds = 0 });
            Assert.Contains(log, line => line.Contains(where, StringComparison.Ordinal));
        }
        Assert.Equal([path], Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public void The_data_are_read_once_in_order()
    {
        var reads = new List<int>();
        var rows = Tiny.Images(ml, 60);
        var data = ml.Data.LoadFromEnumerable(rows.Select((row, n) =>
        {
            reads.Add(n);
            return row;
        }));
        Assert.Null(data.GetRowCount());
        using var model = Fit(data);
        Assert.Equal(Enumerable.Range(0, 60), reads);
        using var known = Fit(ml.Data.LoadFromEnumerable(rows));
        Assert.Equal(Tiny.Weights(known), Tiny.Weights(model));
    }

    [Fact]
    public void A_file_that_is_there_is_used_if_it_is_of_these_images_and_sound()
    {
        var path = Path.Combine(Tiny.Folder(), "images");
        var data = ml.Data.LoadGlyphs(60, 7);
        using var expected = Fit(data, path);
        using var again = Fit(data, path);
        Assert.Equal(Tiny.Weights(expected), Tiny.Weights(again));

        // Folds of a cross-validation and parts of a split do not say how many rows they have.
        foreach (var (other, what) in new[]
        {
            (ml.Data.LoadGlyphs(59, 7), "has 60 images and the data have 59, expected those of the data"),
            (ml.Data.LoadGlyphs(60, 8), "has 60 images of which that of row 0 is another one"),
            (ml.Data.TrainTestSplit(data, 0.2, seed: 3).TrainSet, "has 60 images of which that of row "),
            (ml.Data.LoadFromEnumerable(Tiny.Images(ml, 60)), "has 60 images of 1x16x16 of the classes"),
        })
        {
            var fault = Assert.Throws<InvalidOperationException>(() => Fit(other, path));
            Assert.Contains(what, fault.Message, StringComparison.Ordinal);
        }

        // As ExtractPixels scales: a byte times 1/255 is kept as the byte.
        var scaled = Tiny.Images(ml, 60);
        foreach (var row in scaled)
            for (var i = 0; i < row.Features.Length; i++) row.Features[i] = MathF.Round(255 * row.Features[i]) * (1 / 255f);
        for (var time = 0; time < 2; time++) Fit(ml.Data.LoadFromEnumerable(scaled), path + "-scaled").Dispose();

        var bytes = File.ReadAllBytes(path);
        bytes[5000] ^= 1;
        File.WriteAllBytes(path, bytes);
        var damaged = Assert.Throws<DataFileException>(() => Fit(data, path));
        Assert.Contains("it is damaged", damaged.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_fails_while_it_is_read_leaves_no_file()
    {
        var path = Path.Combine(Tiny.Folder(), "images");
        var rows = Tiny.Images(ml, 60);
        rows[59].Features[0] = float.NaN;
        Assert.Throws<InvalidOperationException>(() => Fit(ml.Data.LoadFromEnumerable(rows), path));
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(path)!));
    }
}

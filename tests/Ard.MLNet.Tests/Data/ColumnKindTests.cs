using Ard.MLNet.Schema;
using Microsoft.ML.Transforms.Image;
using static Microsoft.ML.Transforms.Image.ImagePixelExtractingEstimator;
using static Microsoft.ML.Transforms.Image.ImageResizingEstimator;

namespace Ard.MLNet.Tests.Data;

/// <summary>The three kinds of feature columns: floats, bytes and images, which are the same to everything.</summary>
public sealed class ColumnKindTests
{
    private readonly MLContext ml = new MLContext(1);

    private IDataView Rows(string kind, int count = 60)
    {
        using var glyphs = Glyphs.Generate(count, 7);
        var pixels = glyphs.Images.data<byte>().ToArray().Chunk(256).ToArray();
        uint[] labels = [.. glyphs.Labels.data<long>().ToArray().Select(label => (uint)label)];
        return kind switch
        {
            "floats" => ml.Data.LoadFromEnumerable(labels.Select(
                (label, n) => new Image { Features = [.. pixels[n].Select(value => value / 255f)], Label = label }).ToArray()),
            "bytes" => ml.Data.LoadFromEnumerable(labels.Select(
                (label, n) => new OfBytes { Features = pixels[n], Label = label, Number = n }).ToArray()),
            _ => ml.Data.LoadFromEnumerable(labels.Select(
                (label, n) => new OfPictures { Features = Grey(pixels[n]), Label = label }).ToArray()),
        };
    }

    private static MLImage Grey(byte[] pixels) => MLImage.CreateFromPixels(
        16, 16, MLPixelFormat.Bgra32, [.. pixels.SelectMany(value => new[] { value, value, value, byte.MaxValue })]);

    private ArdTrainer Trainer() => new(ml, Tiny.Natural() with { Layout = new() { Channels = 1 }, Seed = 3 });

    [Fact]
    public void All_kinds_train_the_same_network_and_each_takes_the_others_columns()
    {
        using var expected = Trainer().Fit(Rows("floats"));
        var scores = Tiny.Vectors(expected.Transform(Rows("floats")), "Score");
        foreach (var kind in new[] { "bytes", "images" })
        {
            using var model = Trainer().Fit(Rows(kind));
            Assert.Equal(Tiny.Weights(expected), Tiny.Weights(model));
            foreach (var other in new[] { "floats", "bytes", "images" })
                Assert.Equal(scores, Tiny.Vectors(model.Transform(Rows(other)), "Score"));
        }
    }

    [Theory]
    [InlineData("floats")]
    [InlineData("bytes")]
    [InlineData("images")]
    public void Each_kind_does_everything_that_mlnet_does(string kind)
    {
        var (data, trainer) = (Rows(kind), Trainer());
        using var model = trainer.Fit(data);
        Assert.Equal(
            Shapes.Text(trainer.GetOutputSchema(Shapes.Of(ml, data))), Shapes.Text(model.GetOutputSchema(data.Schema)));
        var scores = Tiny.Vectors(model.Transform(data), "Score");

        Assert.Equal(2, ml.MulticlassClassification.CrossValidate(data, trainer, numberOfFolds: 2).Count);
        var split = ml.Data.TrainTestSplit(data, testFraction: 0.5);
        using (var half = trainer.Fit(split.TrainSet))
            Assert.Equal(10, ml.MulticlassClassification.Evaluate(half.Transform(split.TestSet)).ConfusionMatrix.NumberOfClasses);
        // Of images ML.NET keeps nothing.
        if (kind != "images")
        {
            using var cached = trainer.Fit(ml.Data.Cache(data));
            Assert.Equal(Tiny.Weights(model), Tiny.Weights(cached));
        }
        if (kind == "bytes")
        {
            var filtered = ml.Data.FilterRowsByColumn(data, "Number", 10, 20);
            Assert.Null(filtered.GetRowCount());
            Assert.Equal(
                scores[10..20].SelectMany(each => each), Tiny.Vectors(model.Transform(filtered), "Score").SelectMany(each => each), Close);
            using var few = trainer.Fit(filtered);
            using var same = trainer.Fit(ml.Data.TakeRows(ml.Data.SkipRows(data, 10), 10));
            Assert.Equal(Tiny.Weights(same), Tiny.Weights(few));
        }

        // Saved and loaded; one at a time.
        using var file = new MemoryStream();
        ml.Model.Save(model, data.Schema, file);
        file.Position = 0;
        using var loaded = ImageClassifierTransformer.From(ml.Model.Load(file, out var schema));
        Assert.Equal(model.Classifier.Format.Column, loaded.Classifier.Format.Column);
        // ML.NET saves no columns of images, but for those that a step of the model makes.
        Assert.Equal(kind == "images" ? null : data.Schema["Features"].Type, schema.GetColumnOrNull("Features")?.Type);
        Assert.Equal(scores, Tiny.Vectors(loaded.Transform(data), "Score"));
        var single = kind switch
        {
            "floats" => Single<Image>(),
            "bytes" => Single<OfBytes>(),
            _ => Single<OfPictures>(),
        };
        Assert.Equal(scores.Take(5).SelectMany(each => each), single.SelectMany(each => each), Close);

        // Attacked.
        var evaluation = new AdversarialEvaluatorOptions { Evaluation = new() { Attacks = ["pgd-3"], Threat = ThreatModel.Linf(0.1) } };
        using var ofFloats = Trainer().Fit(Rows("floats"));
        Assert.Equal(
            ml.MulticlassClassification.EvaluateRobustness(ofFloats, Rows("floats"), evaluation).Report.WorstCase.Correct,
            ml.MulticlassClassification.EvaluateRobustness(loaded, data, evaluation).Report.WorstCase.Correct);
        var options = new AdversarialExamplesOptions { AttackName = "pgd-3", Threat = ThreatModel.Linf(0.1) };
        var step = ml.Transforms.AdversarialExamples(loaded, options);
        var attacked = step.Fit(data).Transform(data);
        Assert.Equal(Shapes.Text(step.GetOutputSchema(Shapes.Of(ml, data))), Shapes.Text(attacked.Schema));
        Assert.Equal(new VectorDataViewType(NumberDataViewType.Single, 1, 16, 16), attacked.Schema["AdversarialFeatures"].Type);
        var floats = ml.Transforms.AdversarialExamples(ofFloats, options).Fit(Rows("floats")).Transform(Rows("floats"));
        Assert.Equal(Tiny.Vectors(floats, "AdversarialFeatures"), Tiny.Vectors(attacked, "AdversarialFeatures"));
        // The new column is one that the classifier takes.
        var again = ml.Transforms.CopyColumns("Features", "AdversarialFeatures").Fit(attacked).Transform(attacked);
        Assert.Equal(60, Tiny.Vectors(loaded.Transform(again), "Score").Count);

        static bool Close(float one, float other) => Math.Abs(one - other) < 1e-6;

        IEnumerable<float[]> Single<T>() where T : class, new()
        {
            var borrowed = new PredictionEngineOptions { OwnsTransformer = false };
            using var engine = ml.Model.CreatePredictionEngine<T, Prediction>(loaded, borrowed);
            return [.. ml.Data.CreateEnumerable<T>(data, reuseRowObject: false).Take(5).Select(row => engine.Predict(row).Score)];
        }
    }

    [Fact]
    public void From_image_files_to_a_classifier_it_is_one_line()
    {
        var folder = Tiny.Folder();
        using var glyphs = Glyphs.Generate(30, 7);
        foreach (var (pixels, n) in glyphs.Images.data<byte>().ToArray().Chunk(256).Select((pixels, n) => (pixels, n)))
        {
            var of = Path.Combine(folder, Glyphs.ClassNames[(int)glyphs.Labels[n].item<long>()].Replace('/', '-'));
            Directory.CreateDirectory(of);
            using var picture = Grey(pixels);
            picture.Save(Path.Combine(of, $"{n:D2}.png"));
        }
        var data = ml.Data.LoadImageFolder(folder);
        var trainer = ml.MulticlassClassification.Trainers.AdversarialTraining(Tiny.Natural() with { FeatureColumnName = "Image" });
        var model = ml.Transforms.LoadImages("Image", null, "ImagePath").Append(trainer).Fit(data);
        // The network's own size, of three channels.
        var spec = ImageClassifierTransformer.From(model).Network.Spec!;
        Assert.Equal((32, 3), (spec.ImageSize, spec.InputChannels));
        var scored = Tiny.Vectors(model.Transform(data), "Score");
        Assert.Equal(30, scored.Count);
        using var file = new MemoryStream();
        ml.Model.Save(model, data.Schema, file);
        file.Position = 0;
        Assert.Equal(scored, Tiny.Vectors(ml.Model.Load(file, out _).Transform(data), "Score"));
    }

    /// <summary>An image that a getter has made is whose place it is in, and freed with the next there; the cursor keeps none.</summary>
    [Fact]
    public void Images_beside_scores_are_freed_but_for_the_one_in_the_readers_hands()
    {
        var made = new List<MLImage>();
        var data = new TableDataView(
            10, TableDataView.Of("Features", new ImageDataViewType(16, 16), (int row, ref MLImage value) =>
            {
                value?.Dispose();
                value = Grey([.. Enumerable.Repeat((byte)row, 256)]);
                made.Add(value);
            }));
        var scored = Tiny.Classifier.Transform(data);
        MLImage image = null!;
        var given = new List<MLImage>();
        using (var cursor = scored.GetRowCursor(scored.Schema))
        {
            var get = cursor.GetGetter<MLImage>(scored.Schema["Features"]);
            for (var row = 0; cursor.MoveNext(); row++)
            {
                // Not every one is asked for, and one twice.
                for (var times = 0; times < row % 3; times++)
                {
                    get(ref image);
                    given.Add(image);
                    Assert.Equal(row, image.Pixels[0]);
                }
            }
        }
        Assert.Equal(9, given.Count);
        Assert.All(given[..^1], freed => Assert.ThrowsAny<InvalidOperationException>(() => freed.Width));
        Assert.Equal(16, image.Width);
        // Those of the two getters of the source in the end are the source's, as ML.NET's loader frees its last.
        Assert.Equal(2, made.Count(one => IsThere(one)));

        static bool IsThere(MLImage image)
        {
            try
            {
                return image.Width > 0;
            }
            catch (InvalidOperationException)
            {
                return false;
            }
        }
    }

    [Fact]
    public void Images_of_objects_and_of_a_resizing_that_changes_nothing_come_whole_beside_scores()
    {
        var objects = Enumerable.Range(0, 10).Select(row => new OfPictures { Features = Grey([.. Enumerable.Repeat((byte)row, 256)]) })
            .ToArray();
        var scored = Tiny.Classifier.Transform(ml.Data.LoadFromEnumerable(objects));
        Assert.Equal(objects.Select(one => one.Features), Read(scored));

        var folder = Tiny.Folder();
        foreach (var (n, one) in objects.Index()) one.Features.Save(Path.Combine(folder, $"{n}.png"));
        var paths = ml.Data.LoadFromEnumerable(objects.Select((_, n) => new { ImagePath = $"{n}.png" }));
        // Of the same size it gives the image that it was given, which the loader frees when asked for the next.
        var resized = ml.Transforms.LoadImages("Features", folder, "ImagePath").Append(ml.Transforms.ResizeImages("Features", 16, 16))
            .Fit(paths).Transform(paths);
        Assert.All(Read(Tiny.Classifier.Transform(resized)), image => Assert.Equal(16, image.Width));

        static List<MLImage> Read(IDataView view)
        {
            var images = new List<MLImage>();
            using var cursor = view.GetRowCursor(view.Schema);
            var get = cursor.GetGetter<MLImage>(view.Schema["Features"]);
            var getScore = cursor.GetGetter<VBuffer<float>>(view.Schema["Score"]);
            VBuffer<float> score = default;
            while (cursor.MoveNext())
            {
                MLImage image = null!;
                get(ref image);
                getScore(ref score);
                Assert.Equal(images.Count, image.Pixels[0]);
                images.Add(image);
            }
            return images;
        }
    }

    [Theory]
    [InlineData(0f, 1f, false, ColorsOrder.ARGB)]
    [InlineData(0f, 1f / 255, true, ColorsOrder.ABGR)]
    [InlineData(127.5f, 1f / 127.5f, false, ColorsOrder.AGBR)]
    [InlineData(128f, 0.017f, true, ColorsOrder.ARBG)]
    [InlineData(-3f, -2f, false, ColorsOrder.ABRG)]
    public void The_layout_after_extract_pixels_is_the_image_again(float offset, float scale, bool interleaved, ColorsOrder order)
    {
        var data = Colours();
        var extracted = ml.Transforms.ExtractPixels(
            "Pixels", "Features", orderOfExtraction: order, interleavePixelColors: interleaved, offsetImage: offset, scaleImage: scale)
            .Append(ml.Transforms.ExtractPixels(
                "Bytes", "Features", orderOfExtraction: order, interleavePixelColors: interleaved, outputAsFloatArray: false))
            .Fit(data).Transform(data);
        var layout = ImageLayout.AfterExtractPixels(offset, scale, interleaved, order);
        using var expected = Read("Features", new());
        Assert.Equal([0, 5, 10, 15], expected.Images[0, 0].data<byte>().ToArray()[..4]);
        Assert.Equal([1, 6, 11, 16], expected.Images[0, 1].data<byte>().ToArray()[..4]);
        Assert.Equal([2, 7, 12, 17], expected.Images[0, 2].data<byte>().ToArray()[..4]);
        foreach (var column in new[] { "Pixels", "Bytes" })
        {
            using var read = Read(column, layout);
            Assert.Equal(torch.ScalarType.Byte, read.Images.dtype);
            Assert.True(expected.Images.eq(read.Images).all().item<bool>());
        }
        // And there again.
        var format = layout.Resolve("Pixels", extracted.Schema["Pixels"].Type, null);
        var values = new float[format.Size];
        format.FromImage(expected.Batch(0, 1).Images.data<float>().ToArray(), values);
        Assert.Equal(Tiny.Vectors(extracted, "Pixels")[0], values, (a, b) => Math.Abs(a - b) < 1e-4 * Math.Abs(scale) * 255);

        ImageDataset Read(string column, ImageLayout chosen) => ImageReader.Read(
            extracted, column, "Label", chosen.Resolve(column, extracted.Schema[column].Type, null), ClassLabels.Unnamed(2));
    }

    /// <summary>Each value by hand: means of the four pixels around, with weights of 3/4 and 1/4.</summary>
    [Fact]
    public void Pictures_are_scaled_by_the_weighted_mean_of_all_that_goes_into_a_pixel()
    {
        byte[] row = [.. new byte[] { 0, 100, 200, 40 }.SelectMany(value => new[] { value, value, value, byte.MaxValue })];
        var half = new PictureScaling(1, 2, ResizingKind.Fill).Scale(row, 1, 4);
        // A reach of two pixels to either side, of which one is not there.
        Assert.Equal((byte)((0.75 * 0 + 0.75 * 100 + 0.25 * 200) / 1.75 + 0.5), half[0]);
        Assert.Equal((byte)((0.25 * 100 + 0.75 * 200 + 0.75 * 40) / 1.75 + 0.5), half[4]);
        // Larger: between two.
        var twice = new PictureScaling(1, 8, ResizingKind.Fill).Scale(row, 1, 4).ToArray();
        Assert.Equal([0, 25, 75, 125, 175, 160, 80, 40], Enumerable.Range(0, 8).Select(x => (int)twice[4 * x]));
        Assert.True(row.AsSpan().SequenceEqual(new PictureScaling(1, 4, ResizingKind.IsoCrop).Scale(row, 1, 4)));
    }

    [Theory]
    [InlineData(53, 37, 16, 16)]
    [InlineData(400, 300, 32, 48)]
    [InlineData(9, 11, 32, 32)]
    [InlineData(20, 90, 40, 30)]
    public void Pictures_are_scaled_as_libtorch_does_it_with_antialias(int fromHeight, int fromWidth, int height, int width)
    {
        var pixels = new byte[4 * fromHeight * fromWidth];
        new Random(1).NextBytes(pixels);
        var scaled = new PictureScaling(height, width, ResizingKind.Fill).Scale(pixels, fromHeight, fromWidth).ToArray();
        using var scope = torch.NewDisposeScope();
        var picture = torch.tensor(pixels, [1, fromHeight, fromWidth, 4]).permute(0, 3, 1, 2).to(torch.ScalarType.Float32);
        var theirs = torch.nn.functional.interpolate(
            picture, [height, width], mode: torch.InterpolationMode.Bilinear, align_corners: false, antialias: true)
            .permute(0, 2, 3, 1).contiguous().data<float>().ToArray();
        Assert.Equal(theirs, scaled.Select(value => (float)value), (one, other) => Math.Abs(one - other) < 0.501);
    }

    [Theory]
    [InlineData(ResizingKind.Fill, "0 0 9 9|0 0 9 9|0 0 9 9|0 0 9 9")]
    [InlineData(ResizingKind.IsoCrop, "0 0 9 9|0 0 9 9|0 0 9 9|0 0 9 9")]
    [InlineData(ResizingKind.IsoPad, "0 0 0 0|0 0 9 9|0 0 9 9|0 0 0 0")]
    public void What_does_not_fit_is_cut_off_or_made_up_for_by_black_or_stretched(ResizingKind resizing, string expected)
    {
        // 8x4: seven columns of 0, then of 9, which the square in the middle has half of; and the same upright.
        var wide = new byte[8 * 4 * 4];
        for (var pixel = 0; pixel < 32; pixel++)
            if (pixel % 8 >= 4) wide.AsSpan(4 * pixel, 4).Fill(9);
        Assert.Equal(expected, Text(new PictureScaling(4, 4, resizing).Scale(wide, 4, 8), turned: false));
        var upright = new byte[wide.Length];
        for (var y = 0; y < 8; y++)
            for (var x = 0; x < 4; x++) wide.AsSpan(4 * (x * 8 + y), 4).CopyTo(upright.AsSpan(4 * (y * 4 + x)));
        Assert.Equal(expected, Text(new PictureScaling(4, 4, resizing).Scale(upright, 8, 4), turned: true));

        static string Text(ReadOnlySpan<byte> pixels, bool turned)
        {
            // The border between the two is a mixture where many pixels go into one.
            var all = pixels.ToArray();
            return string.Join("|", Enumerable.Range(0, 4).Select(y => string.Join(" ", Enumerable.Range(0, 4).Select(
                x => all[4 * (turned ? x * 4 + y : y * 4 + x)] switch { < 3 => 0, > 6 => 9, var other => other }))));
        }
    }

    [Theory]
    [InlineData("Double", "got Vector<Double, 4>")]
    [InlineData("Scalar", "got Single")]
    [InlineData("Text", "got String")]
    [InlineData("Endless", "got Vector<Byte>; on the property of a class, [VectorType(channels, height, width)] says the size")]
    public void A_column_of_another_kind_is_refused_in_the_words_of_mlnet(string column, string found)
    {
        var schema = SchemaDefinition.Create(typeof(Wrong));
        schema["Endless"].ColumnType = new VectorDataViewType(NumberDataViewType.Byte);
        var data = ml.Data.LoadFromEnumerable([new Wrong(), new Wrong { Label = 1 }], schema);
        var trainer = new ArdTrainer(ml, Tiny.Natural() with { FeatureColumnName = column });
        var atSchema = Assert.Throws<ArgumentOutOfRangeException>(() => trainer.GetOutputSchema(Shapes.Of(ml, data)));
        var atFit = Assert.Throws<ArgumentOutOfRangeException>(() => trainer.Fit(data));
        Assert.Contains($"Schema mismatch for feature column '{column}': expected {ImageColumn.Kinds}, ", atSchema.Message);
        Assert.Contains($"Schema mismatch for feature column '{column}': expected {ImageColumn.Kinds}, {found}", atFit.Message);
    }

    [Theory]
    [InlineData(8, 8, 3)]
    [InlineData(3, 4, 16)]
    [InlineData(3, 8, 9)]
    [InlineData(12, 16)]
    public void A_column_of_other_dimensions_than_those_of_the_training_is_refused(params int[] dimensions)
    {
        using var fitted = new ArdTrainer(ml, Tiny.Natural()).Fit(OfDimensions(3, 8, 8));
        using var file = new MemoryStream();
        ml.Model.Save(fitted, OfDimensions(3, 8, 8).Schema, file);
        file.Position = 0;
        using var loaded = ImageClassifierTransformer.From(ml.Model.Load(file, out _));
        var others = OfDimensions(dimensions);
        foreach (var model in new[] { fitted, loaded })
        {
            Assert.Equal(8, Tiny.Vectors(model.Transform(OfDimensions(3 * 8 * 8)), "Score").Count);
            Refused(() => model.Transform(others));
            Refused(() => model.GetOutputSchema(others.Schema));
            Refused(() => ((ITransformer)model).GetRowToRowMapper(others.Schema));
            Refused(() => ml.Model.CreatePredictionEngine<OfBytes, Prediction>(model, others.Schema));
            Refused(() => ml.MulticlassClassification.EvaluateRobustness(model, others));
            Refused(() => ml.Transforms.AdversarialExamples(model).Fit(others));
        }

        void Refused(Action action) => Assert.Contains(
            "feature column 'Features': expected Vector<Byte, 3, 8, 8>, images of 3x8x8 (channels, height, width) as in the training data, "
            + $"got Vector<Byte, {string.Join(", ", dimensions)}>",
            Assert.Throws<ArgumentOutOfRangeException>(action).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_column_of_other_dimensions_than_its_layout_is_taken_again_by_the_model_that_was_trained_on_it()
    {
        var layout = new ImageLayout { Channels = 3, Height = 8, Width = 8 };
        using var model = new ArdTrainer(ml, Tiny.Natural() with { Layout = layout }).Fit(OfDimensions(8, 8, 3));
        using var file = new MemoryStream();
        ml.Model.Save(model, OfDimensions(8, 8, 3).Schema, file);
        file.Position = 0;
        using var loaded = ImageClassifierTransformer.From(ml.Model.Load(file, out _));
        foreach (var one in new[] { model, loaded }) Assert.Equal(8, Tiny.Vectors(one.Transform(OfDimensions(8, 8, 3)), "Score").Count);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void A_model_of_other_channels_than_pictures_have_takes_none(int channels)
    {
        using var model = new ArdTrainer(ml, Tiny.Natural()).Fit(OfDimensions(channels, 16, 16));
        Assert.Contains(
            $"expected vectors of floats or bytes, images of {channels}x16x16 (channels, height, width) as in the training data, got Image",
            Assert.Throws<ArgumentOutOfRangeException>(() => model.Transform(Rows("images"))).Message, StringComparison.Ordinal);
    }

    private IDataView OfDimensions(params int[] dimensions)
    {
        var size = dimensions.Aggregate((all, one) => all * one);
        var schema = SchemaDefinition.Create(typeof(OfBytes));
        schema["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Byte, dimensions);
        return ml.Data.LoadFromEnumerable(
            Enumerable.Range(0, 8).Select(row => new OfBytes { Features = new byte[size], Label = (uint)row % 2 }).ToArray(), schema);
    }

    [Fact]
    public void Bytes_of_another_length_and_images_of_no_size_are_refused()
    {
        using var model = Trainer().Fit(Rows("bytes"));
        var few = ml.Data.LoadFromEnumerable([new Wrong()]);
        var renamed = ml.Transforms.CopyColumns("Features", "Few").Fit(few).Transform(few);
        Assert.Contains(
            "Schema mismatch for feature column 'Features': expected Vector<Byte, 1, 16, 16>, images of 1x16x16",
            Assert.Throws<ArgumentOutOfRangeException>(() => model.Transform(renamed)).Message);

        var layout = new ImageLayout { Channels = 2 };
        Assert.Contains(
            "expected images of 3 channels or of 1, and a size to bring them to",
            Assert.Throws<ArgumentOutOfRangeException>(() => layout.Resolve("Features", new ImageDataViewType(), null)).Message);
        Assert.Equal(
            (3, 20, 30), new ImageLayout().Resolve("Features", new ImageDataViewType(20, 30), null) is var known
                ? (known.Channels, known.Height, known.Width) : default);

        // The network's own size where nothing else says one.
        Assert.Equal(32, new ImageLayout().Resolve("Features", new ImageDataViewType(), NetworkSpec.Parse("mobilenetv2")).Height);
        Assert.Equal(224, new ImageLayout().Resolve("Features", new ImageDataViewType(), NetworkSpec.Parse("torchvision/resnet18")).Width);

        var missing = ml.Data.LoadFromEnumerable([new OfPictures { Features = Grey(new byte[256]) }, new OfPictures { Label = 1 }]);
        Assert.Contains(
            "Row 1, feature column 'Features': the image is missing",
            Assert.Throws<InvalidOperationException>(() => Trainer().Fit(missing)).Message);
    }

    // Two images whose bytes count up: red, green, blue, then two that no colour has. Made anew for each reader, for ExtractPixels disposes
    // of the last that it is given.
    private IDataView Colours() => ml.Data.LoadFromEnumerable(Enumerable.Range(0, 2).Select(n => new OfPictures
    {
        Features = MLImage.CreateFromPixels(16, 16, MLPixelFormat.Rgba32, [.. Enumerable.Range(0, 256).SelectMany(
            i => new[] { (byte)(5 * i), (byte)(5 * i + 1), (byte)(5 * i + 2), byte.MaxValue })]),
        Label = (uint)n,
    }));

    private sealed class OfBytes
    {
        [VectorType(1, 16, 16)]
        public byte[] Features { get; set; } = [];

        [KeyType(10)]
        public uint Label { get; set; }

        public float Number { get; set; }
    }

    private sealed class OfPictures
    {
        [ImageType(16, 16)]
        public MLImage Features { get; set; } = null!;

        [KeyType(10)]
        public uint Label { get; set; }
    }

    private sealed class Wrong
    {
        [VectorType(4)]
        public double[] Double { get; set; } = new double[4];

        public float Scalar { get; set; }

        public string Text { get; set; } = "";

        public byte[] Endless { get; set; } = new byte[4];

        [VectorType(4)]
        public byte[] Few { get; set; } = new byte[4];

        [KeyType(2)]
        public uint Label { get; set; }
    }
}

using Ard.MLNet;
using Microsoft.Extensions.ObjectPool;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Ard.Examples.ImageFolder;

/// <summary>The student behind HTTP: engines of a pool, each for one request at a time, and a training beside them.</summary>
internal static class Service
{
    public static int Run(string? folder, string output, string url, CancellationToken cancellation)
    {
        var ml = new MLContext(seed: 1);
        using var classifier = ImageClassifierTransformer.From(ml.Model.Load(Path.Combine(output, "student.zip"), out _));
        var engines = new DefaultObjectPoolProvider().Create(new Engines(ml, classifier));

        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls(url);
        var app = builder.Build();
        app.MapPost("/classify", async (HttpRequest request) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body, request.HttpContext.RequestAborted);
            body.Position = 0;
            var engine = engines.Get();
            try
            {
                using var image = MLImage.CreateFromStream(body);
                var answer = engine.Predict(new Photograph { Features = image });
                var probabilities = classifier.ClassNames.Zip(answer.Score).ToDictionary(pair => pair.First, pair => pair.Second);
                return Results.Ok(new { label = probabilities.MaxBy(pair => pair.Value).Key, probabilities });
            }
            catch (ArgumentException)
            {
                return Results.BadRequest("Expected an image, such as a JPEG file, as the body of the request.");
            }
            finally
            {
                engines.Return(engine);
            }
        });
        // A training in the same process: requests go on being answered beside it.
        app.MapPost("/train", (int epochs) => Task.Run(() =>
        {
            var images = ml.Transforms.LoadImages("Features", "", "ImagePath")
                .Append(ml.MulticlassClassification.Trainers.AdversarialTraining(new()
                {
                    Network = classifier.Network,
                    Training = new() { Epochs = epochs },
                    Cancellation = cancellation,
                }));
            using var trained = images.Fit(ml.Data.LoadImageFolder(folder ?? Path.Combine(output, "photographs")));
            return new { accuracy = ImageClassifierTransformer.From(trained).Training!.History[^1].TrainingAccuracy };
        }));
        app.RunAsync(cancellation).GetAwaiter().GetResult();
        return 0;
    }

    private sealed class Engines(MLContext ml, ITransformer model) : PooledObjectPolicy<PredictionEngine<Photograph, Answer>>
    {
        // The pool disposes of engines that it has too many of, and an engine would take the model with it.
        public override PredictionEngine<Photograph, Answer> Create() =>
            ml.Model.CreatePredictionEngine<Photograph, Answer>(model, new PredictionEngineOptions { OwnsTransformer = false });

        public override bool Return(PredictionEngine<Photograph, Answer> engine) => true;
    }

    private sealed class Photograph
    {
        // An image of any size will do; ML.NET wants one to be named.
        [ImageType(96, 96)]
        public MLImage Features { get; set; } = null!;
    }

    private sealed class Answer
    {
        public float[] Score { get; set; } = [];
    }
}

using System.CommandLine;
using Ard.Examples;
using Ard.Examples.ImageFolder;
using static Ard.Examples.Options;

var folder = Text("--folder", "A folder of photographs with one folder a class. Default: drawn ones are made in OUTPUT/photographs.");
var images = Of("--images", "How many are drawn. Default 450.", 450, Positive);
var size = Of("--size", "The pixels of a side that they are brought to. Default 96.", 96, Positive);
var epochs = Of("--epochs", "Epochs of teacher and student. Default 12.", 12, Positive);
var output = Text("--output", "Folder of the models and the report. Default out/photographs.", "out/photographs");
(folder.Recursive, output.Recursive) = (true, true);
var url = Text("--url", "Where it answers. Default http://localhost:5000.", "http://localhost:5000");

return Entry.Run(args, cancellation =>
{
    var serve = new Command(
        "serve", "Answers over HTTP with the student: POST /classify takes an image, POST /train trains another one.")
    {
        url,
    };
    serve.SetAction(p => Service.Run(p.GetValue(folder), p.GetValue(output)!, p.GetValue(url)!, cancellation));
    var command = new RootCommand(
        "From a folder of photographs to a small robust classifier: trained, measured, saved, as ONNX, and served.")
    {
        folder, images, size, epochs, output, serve,
    };
    command.SetAction(p => Photographs.Train(
        p.GetValue(folder), p.GetValue(images), p.GetValue(size), p.GetValue(epochs), p.GetValue(output)!, cancellation));
    return command;
});

//! The 1,024 words that the word pair of the lock line is made of: short, common, told apart by ear.

/// Sorted, so that a test can see that none is there twice.
pub(crate) const WORDS: &str = "\
acid acorn actor adobe agent album alert alley alloy almond alpine amber anchor angle ankle antler \
anvil apple apron arbor arcade archer arctic arena armor arrow artist ashes aspen atlas atom attic \
autumn avenue axle bacon badge badger bagel baker ballad bamboo banana bandit banjo banner barge \
barley barn baron barrel basil basin basket baton bazaar beach beacon beaver beetle belfry bell \
bench berry bicycle birch bishop bison blade blanket blaze blossom blouse bluff boat bobcat bonfire \
bonnet border botany bottle boulder box bracket branch brass bread breeze brick bridge brook broom \
brush bubble bucket buckle buffalo bugle bulb bundle bunker bureau burrow bush butter button \
cabbage cabin cable cactus cage cake calf camel camera camp canal candle cannon canoe canvas canyon \
cape captain caramel caravan card cargo carpet carrot cart cashew castle cave cedar celery cellar \
cello cement chain chair chalk chapel chapter chart cheese cherry chess chest chief chili chimney \
chisel choir cider cinema circle circus citrus clam clarinet clay cliff clock cloud clover clown \
coach coast cobalt cobra cocoa coconut coffee coin collar comet comic compass copper coral cork \
corner cotton couch cougar county cousin cove cowboy coyote crab cradle crane crater crayon cream \
creek crest cricket crop crow crown crystal cuckoo cupboard curtain cushion cyclone cymbal cypress \
dagger dahlia dairy daisy dance dawn delta denim desert desk diamond diary dinner disk diver doctor \
dolphin domino donkey door dough dove dragon drawer dream dress drill drum duck dune dusk eagle \
easel echo eclipse elbow elder ember emerald empire engine envelope epoch estate exhibit fable \
fabric falcon family farm feather fence fender fennel fern ferry festival fiber fiddle field fig \
finch finger fire fish flake flame flask fleece flint flower flute fog folder forest forge fork \
fort fossil fountain fox frame freight frog frost fruit fudge funnel fur gable galaxy gallery \
garage garden garlic garnet gate gazelle gecko gem geyser giant ginger giraffe glacier glass globe \
glove goat goblet gold golf gondola goose gorge gown granite grape grass gravel gravy grove guest \
guitar gulf guppy gymnast gypsum habitat hamlet hammer hammock hamster handle harbor harness harp \
harvest hawk hazel hedge helmet herald herb hermit heron hill hinge hive hockey holly honey hoof \
horizon hornet horse hotel hound house hunter husk hut hyena ibex iceberg icicle igloo image index \
inlet insect iris iron island ivory ivy jacket jaguar jam jasmine jeans jelly jester jet jewel \
jigsaw jockey journal judge jug juice jungle juniper jury kale kayak kelp kernel kettle kilt \
kingdom kiosk kitchen kite kitten kiwi knee knife knot koala label lace ladder ladle lagoon lake \
lamb lamp lance lantern lapel larch lark laser latch laurel lava lawn layer leaf leather ledge \
legend lemon lentil leopard letter lettuce level lever library lichen lily lime limit linen lion \
lizard llama lobby lobster locket locust lodge loft log lotus lounge lumber lunar lunch lute lynx \
lyric magnet magpie maize mallet mammal mango manor mantle map maple marble march margin marina \
market marlin marsh mask mast match meadow medal melody melon memo mercury merit mesa metal meteor \
mineral mint minute mirror mist mitten moat model mole monarch monk moon moose morning mortar \
mosaic moss moth motor mountain mouse mouth muffin mule mural muscle museum mushroom music mustard \
myrtle myth nail napkin narwhal navy neck nectar needle nephew nest nettle nickel noble noodle noon \
north notch note novel nurse nutmeg nylon oak oasis oboe ocean octave octopus office oil olive \
onion onyx opal opera orange orbit orchard orchid order organ orient otter oval oven owl oxygen \
oyster paddle page pagoda paint palace palette palm panda panel panther papaya paper parade parcel \
park parrot parsley pasta pastry patch path pavement peach peacock peak peanut pearl pebble pecan \
pedal pelican pencil penguin pepper perch permit petal petunia phone photo piano pickle picnic \
picture pier pigeon pillar pillow pilot pipe pirate pistachio piston pixel pizza planet plank \
plaster plate plaza plow plume pocket poem poet polar pollen pond pony poplar poppy porch porter \
portrait postcard pot potato potter powder prairie present prince print prism prize prune puddle \
puffin pulley pulse puma pump pumpkin puppet puppy puzzle pyramid python quail quarry quartz queen \
quest quill quilt quince quiver rabbit raccoon radar radio radish raft raisin ranch range raspberry \
raven razor recipe record reef relay relic ribbon rice riddle ridge ripple river road robe robin \
robot rock rocket rodeo roof room rope rose rotor round route rover rowan royal ruby rudder rug \
ruler runway rust rye saddle saffron sage salad salmon salt sand sandal sapling sapphire satchel \
satin sauce saucer scale scarf scene school scooter scout screen scroll seal season seat seed \
sequel shadow shale shark shawl shed sheep shelf shell shelter shepherd shield ship shirt shoe \
shore shovel shrimp shrub shuttle sickle sierra signal silk silo silver siren sketch ski skirt sky \
slate sled sleeve slipper slope smoke snail snake snow soap socket sofa soil solar sonnet soup \
sparrow spear sphere spice spider spinach spiral sponge spoon spray spring spruce spur squash squid \
squirrel stable stack stadium staff stage station statue steam stereo stone stool store stork storm \
stove strand stream street string stripe studio sugar summer summit sunset surf swallow swan \
sweater swing switch sword syrup system table tablet tailor talon tango tank tape target tart \
tavern taxi tea teacher teapot temple tempo tennis tent terrace theater thicket thimble thistle \
thorn thread throne thumb thunder thyme ticket tide tiger tile timber tin toast tomato tonic tool \
topaz torch tornado tortoise totem toucan tower town tractor trail train trapeze tray treaty tree \
trellis tribe tripod trolley trophy trout truck trumpet trunk tulip tuna tundra tunnel turban \
turbine turkey turnip turtle tuxedo twig twilight umbrella uncle unicorn uniform union urchin \
utensil vacuum valley valve vanilla vapor vase vault veil velvet venue veranda vessel viaduct video \
village vine vinegar viola violet violin visor vista volcano volume vowel voyage vulture waffle \
wagon waist wallet walnut walrus waltz warbler wasp watch water wave weasel weaver wedge whale \
wharf wheat wheel whisk whisper whistle widget willow wind window wing winter wizard wolf wombat \
wool world wreath wren wrist writer yacht yak yard yarn yeast yellow yodel yogurt yolk zebra zenith \
zephyr zigzag zinc zipper zodiac zone";
